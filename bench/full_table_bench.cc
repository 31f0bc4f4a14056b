// Measures the cost of an update when the table is full:
// FullTable/index/<readers>/owners:N/bytes:V, in nanoseconds per update. Each of N owners has a
// value of its own, and there are N indexes. An update gives an owner a value that no owner had
// before: it frees one value, and needs one index.
//
// Readers: `awake`: grace periods end, so that the indexes of dead values come back, and some
// owners spill meanwhile and come home. `asleep`: a reader stays in its section for the whole
// round, so that no index comes back, and every update spills its owner. Outside of the timing all
// owners come home after each round.
//
// Counters, per update: spilled_per_op, reclaimed_per_op. Checks every owner's value after each
// round.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/bar.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kValueBytes = 100;
constexpr uint32_t kMostOwners = 65534;  // as a width of 16 bits has indexes

// A thread that is in a reader section from the constructor to the destructor.
class SleepingReader {
 public:
  SleepingReader() : thread_([this] { Run(); }) { asleep_.acquire(); }
  ~SleepingReader() {
    wake_.release();
    thread_.join();
  }
  SleepingReader(const SleepingReader&) = delete;
  SleepingReader& operator=(const SleepingReader&) = delete;

 private:
  void Run() {
    const ReadSection section;
    asleep_.release();
    wake_.acquire();
  }

  std::binary_semaphore asleep_{0};
  std::binary_semaphore wake_{0};
  std::thread thread_;
};

class FullTable {
 public:
  explicit FullTable(uint32_t owners) : owners_(owners), numbers_(owners), order_(owners) {
    std::iota(order_.begin(), order_.end(), 0);
    std::shuffle(order_.begin(), order_.end(), std::mt19937(1));
    Number(0);
  }
  ~FullTable() {
    if (map_ == nullptr) return;
    for (InlineWords<16>& owner : owners_) store_->Close(owner);
  }
  FullTable(const FullTable&) = delete;
  FullTable& operator=(const FullTable&) = delete;

  bool Prepare(std::string* error) {
    MapOptions options;
    options.value_bytes = kValueBytes;
    options.width_bits = static_cast<uint32_t>(std::bit_width(owners_.size()));
    *error = "cannot make the map";
    if (Store::Create({.reserved_bits = 16}, &store_) != Status::kOk) return false;
    if (IndexMap::Create(*store_, options, &map_) != Status::kOk) return false;
    *error = "cannot fill the table";
    UpdateAll();
    return failures_ == 0 && map_->stats().table.live == owners_.size() && Check(error);
  }

  size_t owners() const { return owners_.size(); }
  IndexMapStats stats() const { return map_->stats(); }

  // A new value for every owner, in random order.
  void UpdateAll() {
    for (const uint32_t owner : order_) {
      const std::span<const std::byte> value = Number(next_number_);
      numbers_[owner] = next_number_++;
      failures_ += map_->Update(owners_[owner], value, UpdateFlag::kAny) != Status::kOk;
    }
  }

  bool Check(std::string* error) {
    *error = "an owner does not have its value";
    const ReadSection section;
    for (size_t owner = 0; owner < owners_.size(); ++owner) {
      const std::byte* const value = map_->Get(owners_[owner]);
      if (value == nullptr || std::memcmp(value, Number(numbers_[owner]).data(), kValueBytes) != 0)
        return false;
    }
    *error = "an update failed";
    return failures_ == 0;
  }

  // Until every owner has an index.
  void BringAllHome() {
    while (map_->stats().spilled_now > 0) {
      map_->Reclaim();
      map_->BringHome(owners_.size());
    }
    RetireBarrier();
  }

 private:
  // Valid until the next call.
  std::span<const std::byte> Number(uint64_t number) {
    std::memcpy(bytes_, &number, sizeof(number));
    return bytes_;
  }

  std::vector<InlineWords<16>> owners_;
  std::vector<uint64_t> numbers_;  // of the owners' values
  std::vector<uint32_t> order_;
  std::byte bytes_[kValueBytes] = {};
  uint64_t next_number_ = 0;
  size_t failures_ = 0;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

void Updates(benchmark::State& state, bool with_sleeping_reader) {
  FullTable table(static_cast<uint32_t>(state.range(0)));
  std::string error;
  if (!table.Prepare(&error)) return state.SkipWithError(error.c_str());
  uint64_t spilled = 0;
  uint64_t reclaimed = 0;
  std::chrono::duration<double, std::nano> taken{};
  while (state.KeepRunningBatch(static_cast<int64_t>(table.owners()))) {
    state.PauseTiming();
    table.BringAllHome();
    const IndexMapStats before = table.stats();
    std::optional<SleepingReader> reader;
    if (with_sleeping_reader) reader.emplace();
    state.ResumeTiming();
    const auto start = std::chrono::steady_clock::now();
    table.UpdateAll();
    taken += std::chrono::steady_clock::now() - start;
    state.PauseTiming();
    const IndexMapStats after = table.stats();
    spilled += after.spilled - before.spilled;
    reclaimed += after.reclaimed - before.reclaimed;
    reader.reset();
    if (!table.Check(&error)) return state.SkipWithError(error.c_str());
    state.ResumeTiming();
  }
  const auto per_op = [](uint64_t count) {
    return benchmark::Counter(static_cast<double>(count), benchmark::Counter::kAvgIterations);
  };
  // What the bars limit: the time of an update, not a ratio.
  state.counters["ns_per_update"] =
      benchmark::Counter(taken.count(), benchmark::Counter::kAvgIterations);
  state.counters["spilled_per_op"] = per_op(spilled);
  state.counters["reclaimed_per_op"] = per_op(reclaimed);
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=5"})) return 1;
  // As many owners as a width has indexes.
  const auto most = static_cast<uint32_t>(std::clamp<int64_t>(results.sockets(), 2, kMostOwners));
  const uint32_t owners = std::bit_floor(most + 2) - 2;
  const auto add = [&](const char* readers, bool with_sleeping_reader) {
    RegisterRun(
        std::string("FullTable/index/") + readers,
        [with_sleeping_reader](benchmark::State& state) { Updates(state, with_sleeping_reader); })
        ->ArgNames({"owners", "bytes"})
        ->Args({owners, kValueBytes});
  };
  add("awake", false);
  add("asleep", true);
  const std::string most_owners = "/owners:65534/bytes:100";
  for (const auto& [readers, limit_ns] :
       {std::pair{"awake", 1000.0}, std::pair{"asleep", 2000.0}}) {
    results.AddBar(workload::Bar::Counter(std::string("FullTable/index/") + readers + most_owners,
                                          "ns_per_update", limit_ns));
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
