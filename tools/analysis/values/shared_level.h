// SharedLevel: the level of sampling of several counters that share a budget of memory.
//
// The level depends on the values of all counters together, not on the distribution of work among
// them: a counter that has not reached a new level yet counts as if it had.
//
// Thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_SHARED_LEVEL_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_SHARED_LEVEL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace inlay::analysis {

class SharedLevel {
 public:
  SharedLevel(size_t budget_bytes, size_t counters)
      : budget_bytes_(budget_bytes), used_(counters) {}

  // The level of all counters. It only rises.
  uint32_t level() const { return level_.load(std::memory_order_relaxed); }

  // Counter `who` holds `bytes` at level `at`, which is not above level(). Returns whether all of
  // them fit once they are at level().
  bool Fits(size_t who, uint32_t at, size_t bytes) {
    used_[who].store(uint64_t{at} << kLevelShift | bytes, std::memory_order_relaxed);
    const uint32_t level = this->level();
    uint64_t all = 0;
    for (const std::atomic<uint64_t>& used : used_) {
      const uint64_t held = used.load(std::memory_order_relaxed);
      const auto held_at = static_cast<uint32_t>(held >> kLevelShift);
      all += (held & kBytesMask) >> (held_at < level ? level - held_at : 0);
    }
    return all <= budget_bytes_;
  }

  // Raises the level from `level` to the next one, unless another counter has done so.
  void RaiseFrom(uint32_t level) {
    level_.compare_exchange_strong(level, level + 1, std::memory_order_relaxed);
  }

 private:
  static constexpr unsigned kLevelShift = 56;
  static constexpr uint64_t kBytesMask = (uint64_t{1} << kLevelShift) - 1;

  const size_t budget_bytes_;
  std::atomic<uint32_t> level_{0};
  std::vector<std::atomic<uint64_t>> used_;  // by each counter: bytes, and the level it was at
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_SHARED_LEVEL_H_
