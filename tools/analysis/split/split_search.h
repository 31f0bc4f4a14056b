// Finds the cheapest split of the fields of a value into shared groups and a private rest: the
// optimum for few fields, a good split for many.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_SEARCH_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/analysis/split/split_cost.h"
#include "tools/analysis/split/split_exact.h"
#include "tools/analysis/split/split_greedy.h"

namespace inlay::analysis {

struct SearchLimits {
  size_t exact_fields = kMaxExactFields;  // at most kMaxExactFields
  ExactLimits exact;
  uint64_t greedy_rows = 50'000'000;  // values looked at
};

struct FoundSplit {
  PricedSplit cheapest;
  bool exact = false;  // no split is cheaper
};

// Splits `fields` of `cost`. The result depends neither on the order of the values nor on the
// number of threads. Throws std::bad_alloc when memory runs out.
FoundSplit SearchSplit(const SplitCost& cost, const std::vector<size_t>& fields,
                       const SearchLimits& limits, size_t threads);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_SEARCH_H_
