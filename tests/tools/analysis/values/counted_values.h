// Values that are only numbers, counted.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_VALUES_COUNTED_VALUES_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_VALUES_COUNTED_VALUES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "tools/analysis/counting/copies_distribution.h"
#include "tools/analysis/counting/distinct_values.h"

namespace inlay::analysis {

inline DistinctValues CountNumbers(std::span<const uint64_t> numbers,
                                   size_t budget_bytes = BoundedCounter::kUnbounded) {
  DistinctValues distinct{.counter = BoundedCounter(budget_bytes), .records = numbers.size()};
  for (const uint64_t& number : numbers) {
    distinct.counter.AddCounted({reinterpret_cast<const uint8_t*>(&number), sizeof(number)}, 1);
  }
  return distinct;
}

inline CopiesDistribution CopiesOf(const std::vector<uint64_t>& numbers) {
  return CopiesDistribution(CountNumbers(numbers));
}

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_VALUES_COUNTED_VALUES_H_
