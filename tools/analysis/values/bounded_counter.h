// BoundedCounter: counts values as ValueCounter does, and keeps to a budget of memory.
//
// It is exact while all distinct values fit (level 0). When they do not, it drops half of them,
// then half of the rest, and so on: at level L it keeps the values whose hash, mixed once more,
// starts with L zeroes (adaptive sampling, Wegman 1984). The choice depends on the values alone, so
// counters of parts of the data, joined in any order, keep the same values as one counter of all
// the data at that level. The count of a kept value is exact, because the counter kept it from the
// start. FrequentValues counts the frequent ones among the dropped values.
//
// Not thread-safe; threads count apart and Absorb() joins them.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_BOUNDED_COUNTER_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_BOUNDED_COUNTER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/values/frequent_values.h"
#include "tools/analysis/values/memory_share.h"
#include "tools/analysis/values/record_block.h"
#include "tools/analysis/values/shared_level.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {

class BoundedCounter {
 public:
  static constexpr size_t kUnbounded = MemoryShare::kUnbounded;

  // `budget_bytes` limits the memory of the sampled values and of their counting; at least one
  // value stays. The frequent values come on top: at most as many bytes (and
  // FrequentValues::kMostBytes), twice that while it forgets some, 2 MiB for counting them, and one
  // block's values.
  explicit BoundedCounter(size_t budget_bytes = kUnbounded)
      : budget_bytes_(budget_bytes), frequent_(budget_bytes) {}
  // `count` counters, one for each thread, that share a budget and reach the same level. Absorb()
  // adds no budget for them.
  static std::vector<BoundedCounter> Sharing(size_t budget_bytes, size_t count);

  // Makes longest_left_out_bytes() available: the values are rows of text in the canonical form of
  // `dialect`.
  void MeasureText(const Dialect& dialect) { text_dialect_ = dialect; }

  // Counts every record of `block`.
  void AddBlock(const RecordBlock& block);
  // Counts `count` occurrences of a value that was kept at a level that is not above this one's.
  void AddCounted(std::span<const uint8_t> value, uint64_t count);
  // Drops values as if there had been more of them. REQUIRES: level() <= level < 64.
  void RaiseLevel(uint32_t level);
  // From now on, Absorb() adds no budget for this counter. It must not count any more.
  void GiveUpBudget() { budget_bytes_ = 0; }
  // Adds all that `other` counted. The budgets add up.
  void Absorb(BoundedCounter&& other);
  // The same for several, with `threads` threads where no budget says otherwise. Good for counters
  // to which little is added afterwards (ValueCounter::AbsorbAll()).
  void AbsorbAll(std::span<BoundedCounter> others, size_t threads);

  // 0: every value is in sample(), and frequent() is empty. Otherwise one value in 2^level is.
  uint32_t level() const { return level_; }
  const ValueCounter& sample() const { return sample_; }
  // The frequent values that are not in the sample.
  const FrequentValues& frequent() const { return frequent_; }
  FrequentValues& frequent() { return frequent_; }
  // The bytes of the longest text, without quotes, among the values that are not in the sample;
  // exact. 0 if all values are in the sample, or without MeasureText().
  uint64_t longest_left_out_bytes() const { return longest_left_out_bytes_; }
  // For reading a written counter back.
  void RaiseLongestLeftOut(uint64_t text_bytes) {
    longest_left_out_bytes_ = std::max(longest_left_out_bytes_, text_bytes);
  }

  // Whether a value with that hash is kept at that level.
  static bool IsKept(uint64_t hash, uint32_t level);

 private:
  size_t UsedBytes() const;
  bool Fits();
  void RaiseLevelUntilItFits();
  void AddToSampleOrNot(std::span<const uint8_t> value, uint64_t hash, uint64_t count);
  void LeaveOut(std::span<const uint8_t> value, uint64_t hash, uint64_t count);

  size_t budget_bytes_;                  // that Absorb() adds
  std::shared_ptr<SharedLevel> shared_;  // null: the budget is not shared
  size_t who_ = 0;                       // of those that share it
  uint32_t level_ = 0;
  ValueCounter sample_;
  FrequentValues frequent_;
  std::optional<Dialect> text_dialect_;
  uint64_t longest_left_out_bytes_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_BOUNDED_COUNTER_H_
