#include "bench/bar.h"

#include <cstdio>

namespace inlay::bench {
namespace {

std::optional<double> Find(const Measurements& measured, const std::string& name) {
  const auto found = measured.find(name);
  if (found == measured.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Bar Bar::AtMost(const std::string& a, const std::string& b, double limit) {
  return OverTouch(a, b, "", limit);
}

Bar Bar::OverTouch(const std::string& a, const std::string& b, const std::string& touch,
                   double limit) {
  Bar bar;
  bar.a_ = a;
  bar.b_ = b;
  bar.touch_ = touch;
  bar.limit_ = limit;
  return bar;
}

Bar Bar::Counter(const std::string& a, const std::string& counter, double limit) {
  return OverTouch(a + ":" + counter, "", "", limit);
}

std::optional<double> Bar::Figure(const Measurements& measured) const {
  const std::optional<double> a = Find(measured, a_);
  if (b_.empty() || !a.has_value()) return a;
  const std::optional<double> b = Find(measured, b_);
  const std::optional<double> touch = touch_.empty() ? 0.0 : Find(measured, touch_);
  if (!b.has_value() || !touch.has_value()) return std::nullopt;
  return (*a - *touch) / (*b - *touch);
}

std::optional<bool> Bar::Met(const Measurements& measured) const {
  const std::optional<double> figure = Figure(measured);
  if (!figure.has_value()) return std::nullopt;
  return *figure <= limit_;
}

std::string Bar::Describe(const Measurements& measured) const {
  const std::optional<double> figure = Figure(measured);
  std::string what = a_;
  if (!b_.empty()) {
    what = touch_.empty() ? a_ + " / " + b_ : "(" + a_ + " - touch) / (" + b_ + " - touch)";
  }
  if (!figure.has_value()) return "bar not measured: " + what;
  char line[64];
  std::snprintf(line, sizeof(line), " = %.3f, limit %.3f: ", *figure, limit_);
  return "bar: " + what + line + (*figure <= limit_ ? "met" : "NOT MET");
}

}  // namespace inlay::bench
