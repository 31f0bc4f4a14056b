#include "tools/analysis/rarefaction.h"

#include <algorithm>
#include <cmath>

namespace inlay::analysis {
namespace {

// Copies up to which the probability is a product, which is exact; above, the logarithms of the factorials
// are precise enough, since it is next to zero for all but the smallest parts.
constexpr uint64_t kMostFactors = 64;

double LogFactorial(double number) { return std::lgamma(number + 1); }

// That none of `copies` records is among `part` of `records`.
double AbsentProbability(uint64_t records, uint64_t copies, uint64_t part) {
  if (copies > records - part) return 0;
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
  return std::exp(LogFactorial(left) - LogFactorial(left - held) -
                  (LogFactorial(all) - LogFactorial(all - held)));
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
