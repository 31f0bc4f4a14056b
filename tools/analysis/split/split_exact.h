// The cheapest split of up to 20 fields, by an exhaustive search with bounds.
//
// 1. The search counts and prices every group of fields that could be part of a split cheaper than
//    the best known one. The price of a group never falls when a field joins it, so the search
//    skips whole families of groups at once.
// 2. Branch and bound over the groups: the first field without a place becomes private, or joins
//    one of the groups that hold it. The bound gives each field a price, such that no group and no
//    private field costs less than the sum of the prices of its fields.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_EXACT_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_EXACT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tools/analysis/split/split_cost.h"

namespace inlay::analysis {

inline constexpr size_t kMaxExactFields = 20;

struct ExactLimits {
  uint64_t rows = 1'000'000'000;  // values looked at while counting
  uint64_t steps = 200'000'000;   // groups looked at by the branch and bound
};

struct ExactOutcome {
  bool complete = false;         // false: a limit was reached
  std::optional<Split> cheaper;  // than what was known; of all splits the cheapest, if complete
};

// Splits `fields`, at most kMaxExactFields, with `always_private` beside them, at a lower cost than
// `known`, the cost of some split. The outcome does not depend on `threads`. Throws std::bad_alloc
// when memory runs out.
ExactOutcome SearchExactly(const SplitCost& cost, const std::vector<size_t>& fields,
                           const std::vector<size_t>& always_private, double known,
                           const ExactLimits& limits, size_t threads);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_EXACT_H_
