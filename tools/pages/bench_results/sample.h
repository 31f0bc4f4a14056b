// Sample: the results of the repetitions of one measurement.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_PAGES_BENCH_RESULTS_SAMPLE_H_
#define INLAY_TOOLS_PAGES_BENCH_RESULTS_SAMPLE_H_

#include <cstddef>
#include <vector>

namespace inlay::bench_page {

class Sample {
 public:
  // REQUIRES: !values.empty()
  explicit Sample(std::vector<double> values);

  size_t count() const { return values_.size(); }
  double median() const { return Quantile(0.5); }
  double least() const { return values_.front(); }
  double most() const { return values_.back(); }
  // Half of the values lie between the two.
  double lower_quartile() const { return Quantile(0.25); }
  double upper_quartile() const { return Quantile(0.75); }

 private:
  // Between two values, in proportion.
  double Quantile(double part) const;

  std::vector<double> values_;  // ascending
};

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_RESULTS_SAMPLE_H_
