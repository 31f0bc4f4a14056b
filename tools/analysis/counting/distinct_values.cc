#include "tools/analysis/counting/distinct_values.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace inlay::analysis {
namespace {

constexpr size_t kMaxDefaultThreads = 8;

// The state of one thread. Threads share nothing in it while they run.
struct Worker {
  BoundedCounter counter;
  uint64_t records = 0;
  absl::Status status;
  uint64_t error_sequence = std::numeric_limits<uint64_t>::max();
};

// The state that threads share.
struct Progress {
  std::atomic<bool> stop{false};   // the input has ended, or a thread has failed
  std::atomic<uint64_t> taken{0};  // blocks
  uint64_t limit = std::numeric_limits<uint64_t>::max();  // of blocks to take
  std::vector<GrowthPoint>* first_block = nullptr;        // the place for the points within it
};

// Adds points after 1, 2, 4.. records of `block`, the first block of the input.
void AddPointsWithin(const RecordBlock& block, std::vector<GrowthPoint>* points) {
  ValueCounter met(ValueCounter::Bytes::kBorrow);
  uint64_t next = 1;
  for (size_t i = 0; i < block.size(); ++i) {
    met.Add(block[i]);
    if (i + 1 != next) continue;
    points->push_back({static_cast<double>(next), static_cast<double>(met.values().size())});
    next *= 2;
  }
}

void Count(RecordSource& source, Progress& progress, Worker& worker) {
  RecordBlock block;
  const auto fail = [&](absl::Status status) {
    worker.status = std::move(status);
    worker.error_sequence = block.sequence();
    progress.stop.store(true, std::memory_order_relaxed);
  };
  try {
    while (!progress.stop.load(std::memory_order_relaxed)) {
      // Every thread with a number below the limit takes a block, so these are the first blocks of
      // the input.
      if (progress.taken.fetch_add(1, std::memory_order_relaxed) >= progress.limit) return;
      absl::StatusOr<bool> more = source.Next(block);
      if (!more.ok()) return fail(more.status());
      if (!*more) {
        progress.stop.store(true, std::memory_order_relaxed);
        return;
      }
      worker.records += block.input_records();
      if (progress.first_block != nullptr && block.sequence() == 0) {
        AddPointsWithin(block, progress.first_block);
      }
      worker.counter.AddBlock(block);
    }
  } catch (const std::bad_alloc&) {
    fail(absl::ResourceExhaustedError("not enough memory for the distinct values"));
  }
}

// What was freed on the way goes back to the kernel, so that it is not beside what comes next.
void ReturnFreeMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

absl::StatusOr<DistinctValues> Join(std::vector<Worker>& workers, size_t budget_bytes) {
  const auto first_error = std::min_element(
      workers.begin(), workers.end(),
      [](const Worker& a, const Worker& b) { return a.error_sequence < b.error_sequence; });
  if (!first_error->status.ok()) return first_error->status;
  DistinctValues distinct{.counter = BoundedCounter(budget_bytes), .records = 0};
  std::vector<BoundedCounter> counters;
  for (Worker& worker : workers) {
    distinct.records += worker.records;
    counters.push_back(std::move(worker.counter));
  }
  distinct.counter.AbsorbAll(counters, workers.size());
  ReturnFreeMemory();
  if (distinct.records == 0) return absl::NotFoundError("the input has no record");
  return distinct;
}

// Counts with all of `workers` until the input ends or progress.limit is reached.
void CountWithAll(RecordSource& source, Progress& progress, std::vector<Worker>& workers) {
  std::vector<std::thread> others;
  for (size_t i = 1; i < workers.size(); ++i) {
    try {
      others.emplace_back(Count, std::ref(source), std::ref(progress), std::ref(workers[i]));
    } catch (const std::system_error&) {
      break;  // no more threads: the existing ones do the work
    }
  }
  Count(source, progress, workers[0]);
  for (std::thread& other : others) other.join();
}

// Their counters share `budget_bytes`, and measure text if `source` is text.
std::vector<Worker> MakeWorkers(const RecordSource& source, size_t threads, size_t budget_bytes) {
  std::vector<Worker> workers(std::max<size_t>(threads, 1));
  std::vector<BoundedCounter> counters = BoundedCounter::Sharing(budget_bytes, workers.size());
  for (size_t i = 0; i < workers.size(); ++i) workers[i].counter = std::move(counters[i]);
  if (source.schema().kind == RecordSchema::Kind::kText) {
    for (Worker& worker : workers) worker.counter.MeasureText(source.schema().dialect);
  }
  return workers;
}

// The point of all workers so far. Borrows their values, and changes nothing.
GrowthPoint PointOf(const std::vector<Worker>& workers) {
  uint32_t level = 0;
  for (const Worker& worker : workers) level = std::max(level, worker.counter.level());
  ValueCounter joined(ValueCounter::Bytes::kBorrow);
  uint64_t records = 0;
  for (const Worker& worker : workers) {
    records += worker.records;
    for (const CountedValue& value : worker.counter.sample().values()) {
      const uint64_t hash = ValueCounter::HashOf(value.bytes());
      if (BoundedCounter::IsKept(hash, level)) joined.AddCounted(value.bytes(), hash, 1);
    }
  }
  return {static_cast<double>(records),
          std::ldexp(static_cast<double>(joined.values().size()), static_cast<int>(level))};
}

}  // namespace

size_t DefaultThreads() {
  return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMaxDefaultThreads);
}

absl::StatusOr<DistinctValues> CountDistinct(RecordSource& source, size_t threads,
                                             size_t budget_bytes) {
  try {
    std::vector<Worker> workers = MakeWorkers(source, threads, budget_bytes);
    Progress progress;
    CountWithAll(source, progress, workers);
    return Join(workers, budget_bytes);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("not enough memory for the distinct values");
  }
}

absl::StatusOr<DistinctValues> CountDistinctInOrder(RecordSource& source, size_t threads,
                                                    size_t budget_bytes,
                                                    std::vector<GrowthPoint>* points) {
  try {
    std::vector<Worker> workers = MakeWorkers(source, threads, budget_bytes);
    Progress progress;
    progress.first_block = points;
    for (progress.limit = 1; !progress.stop; progress.limit *= 2) {
      progress.taken = progress.limit == 1 ? 0 : progress.limit / 2;
      CountWithAll(source, progress, workers);
      if (progress.stop) break;
      const GrowthPoint point = PointOf(workers);
      if (points->empty() || point.records > points->back().records) points->push_back(point);
    }
    const GrowthPoint all = PointOf(workers);
    if (points->empty() || all.records > points->back().records) points->push_back(all);
    return Join(workers, budget_bytes);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("not enough memory for the distinct values");
  }
}

}  // namespace inlay::analysis
