// A good split of any number of fields: groups grown field by field, then improved by small changes
// until none helps.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_GREEDY_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_GREEDY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/analysis/split/split_cost.h"

namespace inlay::analysis {

struct PricedSplit {
  Split split;
  double bytes = 0;  // per socket
};

// Splits `fields`, with `always_private` beside them. Never dearer than all private, nor than
// `fields` as one group if these can be shared. Looks at about `max_rows` values and then stops
// improving. The same for the same data, in whatever order the values come. Throws std::bad_alloc
// when memory runs out.
PricedSplit SearchGreedily(const SplitCost& cost, const std::vector<size_t>& fields,
                           const std::vector<size_t>& always_private, uint64_t max_rows);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_GREEDY_H_
