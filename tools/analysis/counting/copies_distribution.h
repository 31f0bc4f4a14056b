// CopiesDistribution: the number of values that occur once, twice, and so on, and all figures that
// depend on that alone. Exact if it has all values; from a sample, estimates with their errors.
//
// How it estimates: it knows each value that occurs more than twice the error of FrequentValues, in
// the sample or not, and counts it once. One in 2^level of the other values is in the sample, and
// counts 2^level times. The estimate of a sum over values has the variance (1 - p) / p^2 times the
// sum of the squares over the sampled ones, p = 2^-level (Horvitz and Thompson). Errors are 1.96
// standard deviations: 19 of 20 times the truth is within them.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_COPIES_DISTRIBUTION_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_COPIES_DISTRIBUTION_H_

#include <cstdint>
#include <map>
#include <vector>

#include "tools/analysis/counting/distinct_values.h"

namespace inlay::analysis {

// The values that occur copies_from to copies_to times, and the records that hold them.
struct CopiesBucket {
  uint64_t copies_from = 0;  // a power of two
  uint64_t copies_to = 0;    // 2 * copies_from - 1
  uint64_t values = 0;
  uint64_t records = 0;
};

// A figure and its error, which is 0 if the figure is exact.
struct Figure {
  double value = 0;
  double error = 0;
};

class CopiesDistribution {
 public:
  // Values with one count. There are few different counts even among many values, and their fixed
  // order makes every sum over them reproducible.
  struct Values {
    uint64_t known = 0;
    uint64_t sampled = 0;  // each stands for weight() of them
  };

  explicit CopiesDistribution(const DistinctValues& distinct);

  uint64_t records() const { return records_; }
  // The values by their number of copies, ascending.
  const std::map<uint64_t, Values>& by_copies() const { return by_copies_; }
  uint64_t weight() const { return weight_; }  // 1 if all values are known

  Figure distinct() const;
  Figure singletons() const;
  Figure entropy_bits() const;
  // By powers of two, without the empty buckets.
  std::vector<CopiesBucket> Histogram() const;
  // Records whose value is not among the `kept` most frequent ones.
  uint64_t RecordsBeyond(uint64_t kept) const;

 private:
  uint64_t All(const Values& values) const { return values.known + values.sampled * weight_; }
  // The estimate of the sum of of(copies) over all values.
  template <typename Of>
  Figure Sum(Of of) const;

  std::map<uint64_t, Values> by_copies_;
  uint64_t records_ = 0;
  uint64_t weight_ = 1;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_COPIES_DISTRIBUTION_H_
