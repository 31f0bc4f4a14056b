#include "tools/pages/bench_results/sample.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace inlay::bench_page {

Sample::Sample(std::vector<double> values) : values_(std::move(values)) {
  std::sort(values_.begin(), values_.end());
}

double Sample::Quantile(double part) const {
  const double place = part * static_cast<double>(values_.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, values_.size() - 1);
  const double weight = place - static_cast<double>(below);
  return values_[below] * (1 - weight) + values_[above] * weight;
}

}  // namespace inlay::bench_page
