#include "tools/analysis/growth/rarefaction.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace inlay::analysis {
namespace {

// Copies up to which the probability is a product, which is exact.
constexpr uint64_t kMostFactors = 64;

// ln of x! / ((x - held)! * x^held) by the formula of Stirling. Its error is about held * 1e-16; a
// difference of two logarithms of factorials has x * 1e-15. REQUIRES: x - held is not small.
double LogOfFallen(double x, double held) {
  const double left = x - held;
  return -(left + 0.5) * std::log1p(-held / x) - held + (1 / x - 1 / left) / 12;
}

// The probability that none of `copies` records is among `part` of `records`.
double AbsentProbability(uint64_t records, uint64_t copies, uint64_t part) {
  if (copies > records - part) return 0;
  // The problem is symmetric in `copies` and `part`; the smaller one gives the more precise result.
  if (part < copies) std::swap(copies, part);
  const auto all = static_cast<double>(records);
  const auto left = static_cast<double>(records - part);
  if (copies <= kMostFactors) {
    double probability = 1;
    for (uint64_t i = 0; i < copies; ++i) {
      probability *= (left - static_cast<double>(i)) / (all - static_cast<double>(i));
    }
    return probability;
  }
  const auto held = static_cast<double>(copies);
  if (left - held < static_cast<double>(kMostFactors)) return 0;  // less than 1e-14
  const double log_probability = held * std::log1p(-static_cast<double>(part) / all) +
                                 LogOfFallen(left, held) - LogOfFallen(all, held);
  return std::clamp(std::exp(log_probability), 0.0, 1.0);
}

double Weighted(const CopiesDistribution& copies, const CopiesDistribution::Values& values) {
  return static_cast<double>(values.known + values.sampled * copies.weight());
}

}  // namespace

double ExpectedDistinct(const CopiesDistribution& copies, uint64_t records) {
  double distinct = 0;
  for (const auto& [held, values] : copies.by_copies()) {
    distinct += Weighted(copies, values) * (1 - AbsentProbability(copies.records(), held, records));
  }
  return distinct;
}

double ExpectedWithCopies(const CopiesDistribution& copies, double share, uint64_t times) {
  double expected = 0;
  for (const auto& [held, values] : copies.by_copies()) {
    if (held < times || (share == 1 && held != times)) continue;
    double probability = 1;  // of the binomial distribution
    for (uint64_t i = 0; i < times; ++i) {
      probability *= static_cast<double>(held - i) / static_cast<double>(i + 1) * share;
    }
    if (share < 1) probability *= std::pow(1 - share, static_cast<double>(held - times));
    expected += Weighted(copies, values) * probability;
  }
  return expected;
}

std::vector<GrowthPoint> RarefactionCurve(const CopiesDistribution& copies, size_t points) {
  std::vector<GrowthPoint> curve;
  for (uint64_t part = copies.records(); part > 0 && curve.size() < points; part /= 2) {
    curve.push_back({static_cast<double>(part), ExpectedDistinct(copies, part)});
  }
  std::reverse(curve.begin(), curve.end());
  return curve;
}

}  // namespace inlay::analysis
