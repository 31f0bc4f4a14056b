#include "tools/analysis/distinct_values.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace inlay::analysis {
namespace {

constexpr size_t kMaxDefaultThreads = 8;

// What one thread does; each has its own, so nothing in it is shared while threads run.
struct Worker {
  BoundedCounter counter;
  uint64_t records = 0;
  absl::Status status;
  uint64_t error_sequence = std::numeric_limits<uint64_t>::max();
};

void Count(RecordSource& source, std::atomic<bool>& stop, Worker& worker) {
  RecordBlock block;
  const auto fail = [&](absl::Status status) {
    worker.status = std::move(status);
    worker.error_sequence = block.sequence();
    stop.store(true, std::memory_order_relaxed);
  };
  try {
    while (!stop.load(std::memory_order_relaxed)) {
      absl::StatusOr<bool> more = source.Next(block);
      if (!more.ok()) return fail(more.status());
      if (!*more) return;
      worker.records += block.size();
      worker.counter.AddBlock(block);
    }
  } catch (const std::bad_alloc&) {
    fail(absl::ResourceExhaustedError("not enough memory for the distinct values"));
  }
}

absl::StatusOr<DistinctValues> Join(std::vector<Worker>& workers) {
  const auto first_error = std::min_element(
      workers.begin(), workers.end(),
      [](const Worker& a, const Worker& b) { return a.error_sequence < b.error_sequence; });
  if (!first_error->status.ok()) return first_error->status;
  DistinctValues distinct{.counter = BoundedCounter(0), .records = 0};
  for (Worker& worker : workers) {
    distinct.records += worker.records;
    distinct.counter.Absorb(std::move(worker.counter));
  }
  if (distinct.records == 0) return absl::InvalidArgumentError("the input has no record");
  return distinct;
}

}  // namespace

size_t DefaultThreads() {
  return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMaxDefaultThreads);
}

absl::StatusOr<DistinctValues> CountDistinct(RecordSource& source, size_t threads,
                                             size_t budget_bytes) {
  try {
    std::atomic<bool> stop{false};
    std::vector<Worker> workers(std::max<size_t>(threads, 1));
    if (budget_bytes != BoundedCounter::kUnbounded) {
      for (Worker& worker : workers) worker.counter = BoundedCounter(budget_bytes / workers.size());
    }
    if (source.schema().kind == RecordSchema::Kind::kText) {
      for (Worker& worker : workers) worker.counter.MeasureText(source.schema().dialect);
    }
    std::vector<std::thread> others;
    for (size_t i = 1; i < workers.size(); ++i) {
      try {
        others.emplace_back(Count, std::ref(source), std::ref(stop), std::ref(workers[i]));
      } catch (const std::system_error&) {
        break;  // no more threads to be had: the work is done by those there are
      }
    }
    Count(source, stop, workers[0]);
    for (std::thread& other : others) other.join();
    return Join(workers);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("not enough memory for the distinct values");
  }
}

}  // namespace inlay::analysis
