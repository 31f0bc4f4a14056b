// Finds the number of distinct values at which sharing stops to pay: the costs of the layouts for
// the same sockets with other numbers of distinct values, by the formulas of layout_costs.h.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_ANALYZE_PAGE_BREAK_EVENS_H_
#define INLAY_TOOLS_PAGES_ANALYZE_PAGE_BREAK_EVENS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/analysis/counting/layout_costs.h"

namespace inlay::analyze_page {

// The sockets of `input` with `distinct` equally frequent values. REQUIRES: 1 <= distinct.
analysis::LayoutInput WithDistinct(const analysis::LayoutInput& input, uint64_t distinct);

// Numbers of distinct values from 1 to that of the sockets, ascending, about evenly spread on a
// logarithmic axis, and with both sides of the point where the widest index is full.
std::vector<uint64_t> DistinctSteps(uint64_t sockets);

struct BreakEven {
  std::string_view layout;
  std::optional<uint64_t> distinct;  // nothing: not even if all sockets differ
};

// For each layout but the index: the smallest number of distinct values with which the index takes
// as many bytes as that layout, or more.
std::vector<BreakEven> BreakEvens(const analysis::LayoutInput& input);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_BREAK_EVENS_H_
