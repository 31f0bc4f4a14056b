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
inline constexpr uint32_t kReserveShare = 64;      // 1/64 of the used indexes is wanted at least
inline constexpr uint32_t kMostWantedShare = 4;    // 1/4 of the used indexes is wanted at most

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
  if (left > 0) return {.steps = kSweepStep, .enough = kSweepYield};
  return {.steps = 2 * table.used, .enough = wanted + 1 - have};
}

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_RECLAIM_POLICY_H_
