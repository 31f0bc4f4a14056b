#include "tools/pages/analyze_page/break_evens.h"

#include <algorithm>
#include <cmath>

namespace inlay::analyze_page {
namespace {

using analysis::LayoutCost;
using analysis::LayoutCosts;
using analysis::LayoutInput;

constexpr uint64_t kIndexes = analysis::IndexCapacity(analysis::kMaxIndexBits);
// Points of a curve: so many that the eye sees straight lines between them as a curve.
constexpr int kSteps = 96;

bool IndexLoses(const LayoutInput& input, size_t layout, uint64_t distinct) {
  const std::vector<LayoutCost> costs = LayoutCosts(WithDistinct(input, distinct));
  return costs.back().total_bytes >= costs[layout].total_bytes;
}

// The index grows with every added value, but past its capacity another layout may grow faster. So
// this finds the first of some steps, and then the place within the step.
std::optional<uint64_t> FirstLoss(const LayoutInput& input, size_t layout,
                                  const std::vector<uint64_t>& steps) {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](uint64_t distinct) {
    return IndexLoses(input, layout, distinct);
  });
  if (found == steps.end()) return std::nullopt;
  uint64_t most = *found;
  uint64_t least = found == steps.begin() ? most : *std::prev(found) + 1;
  while (least < most) {
    const uint64_t middle = least + (most - least) / 2;
    if (IndexLoses(input, layout, middle)) {
      most = middle;
    } else {
      least = middle + 1;
    }
  }
  return most;
}

}  // namespace

LayoutInput WithDistinct(const LayoutInput& input, uint64_t distinct) {
  LayoutInput other = input;
  other.distinct = distinct;
  other.spilled_sockets = 0;
  if (distinct > kIndexes) {
    const double share = static_cast<double>(kIndexes) / static_cast<double>(distinct);
    const auto sockets = static_cast<double>(input.sockets);
    other.spilled_sockets = static_cast<uint64_t>(std::llround(sockets * (1 - share)));
  }
  return other;
}

std::vector<uint64_t> DistinctSteps(uint64_t sockets) {
  std::vector<uint64_t> steps;
  const double octaves = std::log2(static_cast<double>(sockets));
  for (int i = 0; i <= kSteps; ++i) {
    steps.push_back(static_cast<uint64_t>(std::llround(std::exp2(octaves * i / kSteps))));
  }
  steps.back() = sockets;
  for (const uint64_t edge : {kIndexes, kIndexes + 1}) {
    if (edge < sockets) steps.push_back(edge);
  }
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  // Rounding up may put a step one above the sockets if these are very many.
  std::erase_if(steps, [sockets](uint64_t step) { return step > sockets; });
  return steps;
}

std::vector<BreakEven> BreakEvens(const LayoutInput& input) {
  const std::vector<uint64_t> steps = DistinctSteps(input.sockets);
  const std::vector<LayoutCost> layouts = LayoutCosts(input);
  std::vector<BreakEven> found;
  for (size_t layout = 0; layout + 1 < layouts.size(); ++layout) {
    found.push_back({layouts[layout].name, FirstLoss(input, layout, steps)});
  }
  return found;
}

}  // namespace inlay::analyze_page
