// Bar: a ratio of measured times, or a measured counter, that must not pass a limit.

#ifndef INLAY_BENCH_BAR_H_
#define INLAY_BENCH_BAR_H_

#include <map>
#include <optional>
#include <string>

namespace inlay::bench {

// Results by benchmark name: the median of the times in ns, or a counter under "name:counter".
using Measurements = std::map<std::string, double>;

class Bar {
 public:
  // a / b <= limit
  static Bar AtMost(const std::string& a, const std::string& b, double limit);
  // (a - touch) / (b - touch) <= limit
  static Bar OverTouch(const std::string& a, const std::string& b, const std::string& touch,
                       double limit);
  // A counter of `a` <= limit
  static Bar Counter(const std::string& a, const std::string& counter, double limit);

  // Nothing if something it needs was not measured in this run.
  std::optional<bool> Met(const Measurements& measured) const;
  // One line: what was compared, the figure, the limit, and whether it is met.
  std::string Describe(const Measurements& measured) const;

 private:
  std::optional<double> Figure(const Measurements& measured) const;

  std::string a_;
  std::string b_;
  std::string touch_;
  double limit_ = 0;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_BAR_H_
