// Measures what an attack on the number of values costs the ordinary owners of the same map:
// Attack/<operation>/<when>/width:W/bytes:V, in nanoseconds per operation. Ordinary owners share a
// few values. Attackers, twice as many as there are indexes, change theirs all the time, each to a
// value that nobody ever had, so that the table is full and the memory that its account allows is
// used up.
//
// Operations, of ordinary owners: `update` replaces the values by ones that the table does not
// hold, so that the first owner of each adds it, or spills; `get`. When: `peace`, the attackers
// change their values as often, but share a few; `attack`; `afterwards`, in peace again, when the
// library's thread has brought all owners home. Before each round of ordinary owners all attackers
// have theirs, and some grace periods pass, outside of the timing.
//
// An ordinary owner whose new value finds no index gets a private one: an allocation, and an entry
// in the side table, where in peace 39 of 40 updates find their value in the table.
//
// Counters: spilled_per_op, of the ordinary owners. Checks every ordinary owner's value after each
// round.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/bar.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kAttackBytes = 100;
constexpr size_t kOrdinary = 2000;        // owners
constexpr uint64_t kOrdinaryValues = 50;  // that they share in each round
constexpr int64_t kRounds = 10;   // a round of all attackers takes far longer than what is timed
constexpr int kGracePeriods = 4;  // between two rounds
constexpr double kMostTimesPeace = 3.0;

enum class Attacked : uint8_t { kPeace, kAttack, kAfterwards };

class AttackedMap {
 public:
  // Twice as many attackers as there are indexes.
  explicit AttackedMap(uint32_t width_bits)
      : width_bits_(width_bits), ordinary_(kOrdinary), attackers_(size_t{2} << width_bits) {}
  ~AttackedMap() {
    if (map_ == nullptr) return;
    for (InlineWords<16>& owner : ordinary_) store_->Close(owner);
    for (InlineWords<16>& owner : attackers_) store_->Close(owner);
  }
  AttackedMap(const AttackedMap&) = delete;
  AttackedMap& operator=(const AttackedMap&) = delete;

  bool Prepare() {
    // Room for three quarters of the indexes: an attack meets the account first.
    const uint64_t most_values = (uint64_t{3} << width_bits_) / 4;
    StoreOptions store;
    store.reserved_bits = 16;
    store.table_limit_bytes = ValueTableBytes(most_values, kAttackBytes);
    MapOptions options;
    options.value_bytes = kAttackBytes;
    options.width_bits = width_bits_;
    return Store::Create(store, &store_) == Status::kOk &&
           IndexMap::Create(*store_, options, &map_) == Status::kOk && UpdateOrdinary();
  }

  bool UpdateOrdinary() {
    ++round_;
    bool all = true;
    for (size_t owner = 0; owner < ordinary_.size(); ++owner) {
      all &= map_->Update(ordinary_[owner], Number(OrdinaryNumber(owner)), UpdateFlag::kAny) ==
             Status::kOk;
    }
    return all;
  }
  bool GetOrdinary() const {
    const ReadSection section;
    uint64_t found = 0;
    for (const InlineWords<16>& owner : ordinary_) {
      const std::byte* const value = map_->Get(owner);
      found += value != nullptr && value[kAttackBytes - 1] == std::byte{};
    }
    return found == ordinary_.size();
  }
  // Each attacker changes its value: to one that nobody ever had, or, in peace, to one of a few.
  bool UpdateAttackers(bool attack) {
    bool all = true;
    ++calm_round_;
    for (size_t owner = 0; owner < attackers_.size(); ++owner) {
      const uint64_t calm = kFirstCalm + calm_round_ * kOrdinaryValues + owner % kOrdinaryValues;
      const uint64_t number = attack ? next_attack_++ : calm;
      all &= map_->Update(attackers_[owner], Number(number), UpdateFlag::kAny) == Status::kOk;
    }
    return all;
  }
  // The attackers go, and nobody cleans up. False if an owner is still away after many grace
  // periods.
  bool EndAttack() {
    constexpr int kMostGracePeriods = 20'000;
    for (InlineWords<16>& owner : attackers_) store_->Close(owner);
    for (int i = 0; i < kMostGracePeriods && map_->stats().spilled_now > 0; ++i) RetireBarrier();
    return map_->stats().spilled_now == 0;
  }

  bool Check() {
    const ReadSection section;
    for (size_t owner = 0; owner < ordinary_.size(); ++owner) {
      const std::byte* const value = map_->Get(ordinary_[owner]);
      const std::span<const std::byte> wanted = Number(OrdinaryNumber(owner));
      if (value == nullptr || std::memcmp(value, wanted.data(), wanted.size()) != 0) return false;
    }
    return true;
  }
  uint64_t spilled() const { return map_->stats().spilled; }
  size_t ordinary() const { return ordinary_.size(); }

 private:
  static constexpr uint64_t kFirstCalm = uint64_t{1} << 32;

  uint64_t OrdinaryNumber(size_t owner) const {
    return round_ * kOrdinaryValues + owner % kOrdinaryValues;
  }
  // Valid until the next call.
  std::span<const std::byte> Number(uint64_t number) {
    std::memcpy(bytes_, &number, sizeof(number));
    return bytes_;
  }

  const uint32_t width_bits_;
  std::vector<InlineWords<16>> ordinary_;
  std::vector<InlineWords<16>> attackers_;
  std::byte bytes_[kAttackBytes] = {};
  uint64_t round_ = 0;
  uint64_t calm_round_ = 0;
  uint64_t next_attack_ = uint64_t{1} << 40;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

void Measure(benchmark::State& state, Attacked when, bool updates) {
  AttackedMap map(static_cast<uint32_t>(state.range(0)));
  if (!map.Prepare()) return state.SkipWithError("cannot make the map");
  if (when != Attacked::kPeace && !map.UpdateAttackers(true)) {
    return state.SkipWithError("an attacker failed");
  }
  if (when == Attacked::kAfterwards && !map.EndAttack()) {
    return state.SkipWithError("owners have not come home after the attack");
  }
  uint64_t spilled = 0;
  while (state.KeepRunningBatch(static_cast<int64_t>(map.ordinary()))) {
    state.PauseTiming();
    const bool others = map.UpdateAttackers(when == Attacked::kAttack);
    // A round gives all owners other values, as a reload does. Reloads do not follow each other
    // within a grace period.
    for (int i = 0; i < kGracePeriods; ++i) RetireBarrier();
    const uint64_t spilled_before = map.spilled();
    state.ResumeTiming();
    const bool done = updates ? map.UpdateOrdinary() : map.GetOrdinary();
    state.PauseTiming();
    spilled += map.spilled() - spilled_before;
    if (!others || !done || !map.Check()) {
      return state.SkipWithError("an operation failed, or an owner does not have its value");
    }
    state.ResumeTiming();
  }
  state.counters["spilled_per_op"] =
      benchmark::Counter(static_cast<double>(spilled), benchmark::Counter::kAvgIterations);
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=5"})) return 1;
  struct When {
    const char* name;
    Attacked when;
  };
  for (const bool updates : {true, false}) {
    const std::string operation = std::string("Attack/") + (updates ? "update/" : "get/");
    for (const int64_t width_bits : {9, 12, 16}) {
      const std::string point = "/width:" + std::to_string(width_bits) +
                                "/bytes:" + std::to_string(kAttackBytes) +
                                "/iterations:" + std::to_string(kRounds * kOrdinary);
      for (const When& at : {When{"peace", Attacked::kPeace}, When{"attack", Attacked::kAttack},
                             When{"afterwards", Attacked::kAfterwards}}) {
        RegisterRun(
            operation + at.name,
            [when = at.when, updates](benchmark::State& state) { Measure(state, when, updates); })
            ->ArgNames({"width", "bytes"})
            ->Args({width_bits, kAttackBytes})
            ->Iterations(kRounds * static_cast<int64_t>(kOrdinary));
        if (at.when == Attacked::kPeace) continue;
        results.AddBar(workload::Bar::AtMost(operation + at.name + point,
                                             operation + "peace" + point, kMostTimesPeace));
      }
    }
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
