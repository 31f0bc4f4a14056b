// Measures the longest time that one update takes while a side table grows: Spill/<step>/owners:N.
// Each of N owners without storage pointers gets a private value, one after the other, beside a
// reader that never leaves its section, so that nothing that is retired can be freed.
//
// Steps: `new`, an owner gets its first value, and the table may grow; `replace`, the same owner
// gets another one. Of each update the shortest time of several rounds counts: what the table does
// happens in every round at the same update, what the machine does need not. The counter `worst_ns`
// is the longest of these times. In `new` that is what the system does for a new page of buckets:
// about 3 us for a page fault, and 6 to 12 us where it commits more addresses.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
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

constexpr uint32_t kSpilledBytes = 100;
constexpr int64_t kOwners = 200'000;
constexpr double kMostNsToReplace = 2000;
constexpr double kMostNsOfNew = 20'000;  // some page faults, but no array
constexpr size_t kFirst = 64;            // updates that make the table, which are left out

// A reader section of another thread, for as long as it lives.
class OtherReader {
 public:
  OtherReader() : thread_([this] { Read(); }) { entered_.acquire(); }
  ~OtherReader() {
    leave_.release();
    thread_.join();
  }
  OtherReader(const OtherReader&) = delete;
  OtherReader& operator=(const OtherReader&) = delete;

 private:
  void Read() {
    const ReadSection section;
    entered_.release();
    leave_.acquire();
  }
  std::binary_semaphore entered_{0};
  std::binary_semaphore leave_{0};
  std::thread thread_;
};

struct Value {  // its first kSpilledBytes
  uint64_t number = 0;
  std::byte bytes[96] = {};
};

// The same owners, so that a table does the same in each round.
class GrowingTable {
 public:
  explicit GrowingTable(std::vector<InlineWords<16>>* owners) : owners_(*owners) {}
  ~GrowingTable() {
    for (InlineWords<16>& owner : owners_) store_->Close(owner);
    map_.reset();
    RetireBarrier();
  }
  GrowingTable(const GrowingTable&) = delete;
  GrowingTable& operator=(const GrowingTable&) = delete;

  // A table for two values, which the other owners do not have.
  bool Prepare() {
    MapOptions options;
    options.value_bytes = kSpilledBytes;
    options.width_bits = 2;
    options.background = false;
    return Store::Create({.reserved_bits = 16}, &store_) == Status::kOk &&
           IndexMap::Create(*store_, options, &map_) == Status::kOk && Update(0, 1) && Update(1, 2);
  }

  // Lowers least[i] to the time of owner i's measured step, in ns. False if an update failed.
  bool Run(bool replaces, std::span<double> least) {
    using Clock = std::chrono::steady_clock;
    const OtherReader reader;
    for (size_t owner = kIndexes; owner < owners_.size(); ++owner) {
      const auto start = Clock::now();
      if (!Update(owner, 2 * owner)) return false;
      const auto made = Clock::now();
      if (!Update(owner, 2 * owner + 1)) return false;
      const std::chrono::duration<double, std::nano> taken =
          replaces ? Clock::now() - made : made - start;
      least[owner] = std::min(least[owner], taken.count());
    }
    return HasAll();
  }

  static constexpr size_t kIndexes = 2;

 private:
  bool HasAll() const {
    const ReadSection section;
    for (size_t owner = kIndexes; owner < owners_.size(); ++owner) {
      const std::byte* const found = map_->Get(owners_[owner]);
      const uint64_t number = 2 * owner + 1;
      if (found == nullptr || std::memcmp(found, &number, sizeof(number)) != 0) return false;
    }
    return map_->stats().spilled_now == owners_.size() - kIndexes;
  }

  bool Update(size_t owner, uint64_t number) {
    Value value;
    value.number = number;
    return map_->Update(owners_[owner], std::as_bytes(std::span(&value, 1)).first(kSpilledBytes),
                        UpdateFlag::kAny) == Status::kOk;
  }

  std::vector<InlineWords<16>>& owners_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

template <bool kReplaces>
void Spill(benchmark::State& state) {
  constexpr int kRounds = 5;
  std::vector<InlineWords<16>> owners(static_cast<size_t>(state.range(0)));
  std::vector<double> least(owners.size(), std::numeric_limits<double>::infinity());
  for (auto _ : state) {
    for (int round = 0; round < kRounds; ++round) {
      GrowingTable table(&owners);
      if (!table.Prepare()) return state.SkipWithError("cannot make the map");
      if (!table.Run(kReplaces, least)) return state.SkipWithError("an update failed");
    }
  }
  state.counters["worst_ns"] = *std::max_element(least.begin() + kFirst, least.end());
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=3"})) return 1;
  const int64_t owners = std::min(results.sockets(), kOwners);
  for (const auto& [step, run] :
       {std::pair{"new", &Spill<false>}, std::pair{"replace", &Spill<true>}}) {
    const std::string name = std::string("Spill/") + step;
    RegisterRun(name, run)->ArgName("owners")->Arg(owners)->Iterations(1);
    const std::string measured = name + "/owners:" + std::to_string(owners) + "/iterations:1";
    results.AddBar(workload::Bar::Counter(measured, "worst_ns",
                                          run == &Spill<true> ? kMostNsToReplace : kMostNsOfNew));
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
