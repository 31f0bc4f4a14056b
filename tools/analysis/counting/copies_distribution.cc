#include "tools/analysis/counting/copies_distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>

namespace inlay::analysis {
namespace {

constexpr double kDeviations = 1.96;

}  // namespace

CopiesDistribution::CopiesDistribution(const DistinctValues& distinct)
    : records_(distinct.records), weight_(uint64_t{1} << distinct.counter.level()) {
  const FrequentValues& frequent = distinct.counter.frequent();
  const uint64_t known_beyond = 2 * frequent.error();
  // Without an error, FrequentValues has all values outside the sample.
  const bool all_known = frequent.error() == 0;
  std::unordered_map<uint64_t, Values> groups;
  uint64_t sampled_singletons = 0;
  for (const CountedValue& value : distinct.values()) {
    if (value.count == 1) {
      ++sampled_singletons;
    } else if (all_known || value.count > known_beyond) {
      ++groups[value.count].known;
    } else {
      ++groups[value.count].sampled;
    }
  }
  for (const CountedValue& value : frequent.values()) {
    // The truth is between the count and error() more.
    const uint64_t count = value.count + frequent.error() / 2;
    if (count > known_beyond) ++groups[count].known;
  }
  by_copies_ = {groups.begin(), groups.end()};
  if (sampled_singletons > 0) {
    (all_known ? by_copies_[1].known : by_copies_[1].sampled) += sampled_singletons;
  }
}

template <typename Of>
Figure CopiesDistribution::Sum(Of of) const {
  Figure sum;
  double squares = 0;
  for (const auto& [copies, values] : by_copies_) {
    const double each = of(static_cast<double>(copies));
    sum.value += static_cast<double>(All(values)) * each;
    squares += static_cast<double>(values.sampled) * each * each;
  }
  const auto weight = static_cast<double>(weight_);
  sum.error = kDeviations * std::sqrt(squares * (1 - 1 / weight)) * weight;
  return sum;
}

Figure CopiesDistribution::distinct() const {
  return Sum([](double) { return 1.0; });
}

Figure CopiesDistribution::singletons() const {
  return Sum([](double copies) { return copies == 1 ? 1.0 : 0.0; });
}

Figure CopiesDistribution::entropy_bits() const {
  const auto total = static_cast<double>(records_);
  return Sum([total](double copies) { return copies / total * std::log2(total / copies); });
}

std::vector<CopiesBucket> CopiesDistribution::Histogram() const {
  std::vector<CopiesBucket> buckets;
  for (const auto& [copies, values] : by_copies_) {
    const uint64_t from = std::bit_floor(copies);
    if (buckets.empty() || buckets.back().copies_from != from) {
      buckets.push_back({from, from * 2 - 1, 0, 0});
    }
    buckets.back().values += All(values);
    buckets.back().records += All(values) * copies;
  }
  return buckets;
}

uint64_t CopiesDistribution::RecordsBeyond(uint64_t kept) const {
  uint64_t beyond = 0;
  for (auto group = by_copies_.rbegin(); group != by_copies_.rend(); ++group) {
    const uint64_t all = All(group->second);
    const uint64_t kept_here = std::min(kept, all);
    kept -= kept_here;
    beyond += (all - kept_here) * group->first;
  }
  return std::min(beyond, records_);
}

}  // namespace inlay::analysis
