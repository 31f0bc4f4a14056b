// Bar: a ratio of measured times, or a measured counter, that must not pass a limit. A benchmark
// program defines its bars and writes them as text into the context of its results, so that every
// reader of the results judges them by the same rule.

#ifndef INLAY_ENGINE_WORKLOAD_BAR_H_
#define INLAY_ENGINE_WORKLOAD_BAR_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace inlay::workload {

// Results by benchmark name: the median of the times in ns, or a counter under "name:counter".
using Measurements = std::map<std::string, double, std::less<>>;

class Bar {
 public:
  // a / b <= limit
  static Bar AtMost(const std::string& a, const std::string& b, double limit);
  // (a - touch) / (b - touch) <= limit
  static Bar OverTouch(const std::string& a, const std::string& b, const std::string& touch,
                       double limit);
  // (a - a_touch) / (b - b_touch) <= limit
  static Bar OverTouches(const std::string& a, const std::string& a_touch, const std::string& b,
                         const std::string& b_touch, double limit);
  // A counter of `a` <= limit
  static Bar Counter(const std::string& a, const std::string& counter, double limit);

  // "a|a_touch|b|b_touch|limit", where all but a and limit may be empty. Empty if the text has
  // another form.
  static std::optional<Bar> FromText(std::string_view text);
  std::string ToText() const;

  // The comparison, e.g. "(Get/index/.. - touch) / (Get/pointer/.. - touch)".
  std::string Name() const;
  double limit() const { return limit_; }
  // Empty if the run did not measure a term, or the divisor is not positive.
  std::optional<double> Figure(const Measurements& measured) const;
  std::optional<bool> Met(const Measurements& measured) const;
  // One line: the comparison, the figure, the limit, and whether it is met.
  std::string Describe(const Measurements& measured) const;

 private:
  std::string a_;
  std::string a_touch_;
  std::string b_;
  std::string b_touch_;
  double limit_ = 0;
};

}  // namespace inlay::workload

#endif  // INLAY_ENGINE_WORKLOAD_BAR_H_
