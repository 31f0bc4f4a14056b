// Finds a good split of any number of fields: it grows groups field by field, then makes small
// changes until none helps.

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

// Splits `fields`, with `always_private` beside them. The result never costs more than all fields
// private, or than `fields` as one group if they can be shared. The search stops after about
// `max_rows` values. The result does not depend on the order of the values. Throws std::bad_alloc
// when memory runs out.
PricedSplit SearchGreedily(const SplitCost& cost, const std::vector<size_t>& fields,
                           const std::vector<size_t>& always_private, uint64_t max_rows);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_GREEDY_H_
