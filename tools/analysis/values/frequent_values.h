// FrequentValues: the values that occur most often in a stream, in little memory (Misra and Gries
// 1982, in batches: when it keeps twice as many values as wanted, it subtracts the count of the
// last wanted one from all, and forgets those with nothing left).
//
// Not thread-safe; threads count apart and Absorb() joins them.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_FREQUENT_VALUES_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_FREQUENT_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tools/analysis/values/memory_share.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {

class FrequentValues {
 public:
  // It keeps at least this many values, if there are so many.
  static constexpr size_t kWanted = 4096;
  // It keeps fewer if their bytes exceed this, or LimitBytes().
  static constexpr size_t kMostBytes = size_t{8} << 20;

  explicit FrequentValues(size_t most_bytes = kMostBytes) : share_(most_bytes) {}
  // Applies from the next value on.
  void LimitBytes(size_t most_bytes) { LimitBytes(MemoryShare(most_bytes)); }
  void LimitBytes(MemoryShare share) { share_ = std::move(share); }

  // Counts `count` more occurrences.
  void Add(std::span<const uint8_t> value, uint64_t hash, uint64_t count);

  // Adds all that `other` counted; the errors add up.
  void Absorb(const FrequentValues& other);
  // For reading written values back.
  void AddError(uint64_t error) { error_ += error; }

  // Each with a count that is too low by at most error(). A value that occurs more often than
  // error() is here. In no particular order.
  const CountedValues& values() const { return counter_.values(); }
  uint64_t error() const { return error_; }

 private:
  void Forget();

  MemoryShare share_;
  ValueCounter counter_;
  uint64_t error_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_FREQUENT_VALUES_H_
