// When a ValueTable retires unreferenced values, and how many: pure functions of its counts.
// docs/design.md, section 6, explains the constants and has a worked example.

#ifndef INLAY_ENGINE_TABLE_RECLAIM_POLICY_H_
#define INLAY_ENGINE_TABLE_RECLAIM_POLICY_H_

#include <algorithm>
#include <cstdint>

namespace inlay {

inline constexpr uint32_t kKeptUnreferenced = 64;  // so many unreferenced values are never too many
inline constexpr uint32_t kDemands = 3;            // demands to have reusable or on their way
inline constexpr uint32_t kDemandFade = 16;        // each period forgets 1/16 of its own demand
inline constexpr uint32_t kDemandBatches = 256;    // and at least 1/256 of the remembered demand
inline constexpr uint32_t kSweepYield = 2;         // values that a sweep retires at most
inline constexpr uint32_t kSweepStep = 128;        // entries that a sweep passes at most
inline constexpr uint32_t kSweepHaste = 16;        // times so many more if nothing is at hand
inline constexpr uint32_t kReserveShare = 64;      // 1/64 of the used indexes is wanted at least
inline constexpr uint32_t kMostWantedShare = 4;    // 1/4 of the used indexes is wanted at most
inline constexpr uint32_t kMostIdleShare = 2;      // at rest, 1/2 of all indexes at most
inline constexpr uint32_t kIdleSteps = 8192;       // entries that a step at rest passes at most
inline constexpr uint32_t kIdleYield = 1024;       // values that a step at rest retires at most
inline constexpr uint32_t kIdleRest = 4;           // grace periods between two rounds of the hand

// Indexes that new values ask for in one grace period. Remembers the demand of long grace periods
// through short ones, and forgets it slowly.
class Demand {
 public:
  void Ask(uint32_t most) { now_ = std::min(now_ + 1, most); }
  // A grace period is over, or a batch begins one.
  void EndPeriod() {
    const uint32_t share = (before_ + kDemandBatches - 1) / kDemandBatches;
    before_ -= std::min(before_, std::max(now_ / kDemandFade, share));
    before_ = std::max(before_, now_);
    now_ = 0;
  }
  // Nothing has measured the present period.
  void Restart() {
    before_ = std::max(before_, now_);
    now_ = 0;
  }
  uint32_t highest() const { return std::max(now_, before_); }

 private:
  uint32_t now_ = 0;
  uint32_t before_ = 0;
};

struct ReclaimState {
  uint32_t max_values = 0;
  uint32_t used = 0;         // the highest index that was ever used
  uint32_t live = 0;         // values, referenced or not
  int64_t unreferenced = 0;  // may be off by a few, also below 0
  uint32_t free = 0;         // indexes that can be reused now
  uint32_t coming = 0;       // indexes in the two batches
  uint32_t demand = 0;
  bool starved = false;  // without memory, or at the account's limit
};

// How far the clock hand goes: up to `steps` entries, until it has retired `enough`.
struct ReclaimPlan {
  uint32_t steps = 0;
  uint32_t enough = 0;
};

// Indexes that a new value can have now.
constexpr uint32_t IndexesLeft(const ReclaimState& table) {
  return table.free + (table.starved ? 0 : table.max_values - table.used);
}

// Whether the demand matters before a batch waits: as few indexes are left as the table may ever
// want at hand, and more values are unreferenced than it always keeps.
constexpr bool MustKnowDemand(const ReclaimState& table) {
  return table.unreferenced > kKeptUnreferenced &&
         IndexesLeft(table) <= table.used / kMostWantedShare;
}

constexpr ReclaimPlan PlanReclaim(const ReclaimState& table) {
  const int64_t idle = std::max<int64_t>(table.unreferenced, 0);
  if (idle == 0) return {};
  const int64_t referenced = std::max<int64_t>(int64_t{table.live} - idle, 0);
  const bool many_are_dead = idle > std::max<int64_t>(kKeptUnreferenced, referenced / 2);
  const uint32_t left = IndexesLeft(table);
  const uint32_t least = many_are_dead ? 0 : table.used / kReserveShare;
  const uint32_t wanted =
      std::max(std::min(kDemands * table.demand, table.used / kMostWantedShare), least);
  const uint32_t have = (many_are_dead ? table.free : left) + table.coming;
  if (have > wanted) return {};
  const uint32_t missing = wanted - have;
  if (left == 0) return {.steps = 2 * table.used, .enough = missing + 1};
  // Values that died long ago, and none was reclaimed since, all have their second chance yet: the
  // hand must come round before the indexes at hand run out.
  const uint32_t haste = wanted == 0 ? 0 : kSweepHaste * missing / wanted;
  return {.steps = kSweepStep * (1 + haste), .enough = kSweepYield};
}

// What a table at rest wants at hand: as many indexes as there are referenced values, since a
// reload of a configuration replaces all of them at once, and no demand announces it.
constexpr int64_t WantedAtRest(const ReclaimState& table) {
  return std::min<int64_t>(int64_t{table.live} - table.unreferenced,
                           table.max_values / kMostIdleShare);
}

// Whether so little is at hand that a value that loses its last reference should wake the library's
// thread.
constexpr bool FewAtHand(const ReclaimState& table) {
  return int64_t{IndexesLeft(table)} + table.coming < WantedAtRest(table);
}

// What the library's thread retires in one step. Begins when more values are unreferenced than the
// table always keeps.
constexpr ReclaimPlan PlanIdleReclaim(const ReclaimState& table) {
  if (table.unreferenced <= kKeptUnreferenced || !FewAtHand(table)) return {};
  const int64_t missing = WantedAtRest(table) - IndexesLeft(table) - table.coming;
  return {.steps = std::min(table.used, kIdleSteps),
          .enough = static_cast<uint32_t>(std::min<int64_t>(missing, kIdleYield))};
}

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_RECLAIM_POLICY_H_
