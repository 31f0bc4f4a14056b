#include "engine/workload/bar.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace inlay::workload {
namespace {

std::optional<double> Find(const Measurements& measured, const std::string& name) {
  const auto found = measured.find(name);
  if (found == measured.end()) return std::nullopt;
  return found->second;
}

// The time of `name` less that of `touch`, or all of it if `touch` is empty.
std::optional<double> OverTouch(const Measurements& measured, const std::string& name,
                                const std::string& touch) {
  const std::optional<double> time = Find(measured, name);
  if (touch.empty() || !time.has_value()) return time;
  const std::optional<double> base = Find(measured, touch);
  if (!base.has_value()) return std::nullopt;
  return *time - *base;
}

std::string NameOverTouch(const std::string& name, const std::string& touch) {
  return touch.empty() ? name : "(" + name + " - touch)";
}

}  // namespace

Bar Bar::AtMost(const std::string& a, const std::string& b, double limit) {
  return OverTouches(a, "", b, "", limit);
}

Bar Bar::OverTouch(const std::string& a, const std::string& b, const std::string& touch,
                   double limit) {
  return OverTouches(a, touch, b, touch, limit);
}

Bar Bar::OverTouches(const std::string& a, const std::string& a_touch, const std::string& b,
                     const std::string& b_touch, double limit) {
  Bar bar;
  bar.a_ = a;
  bar.a_touch_ = a_touch;
  bar.b_ = b;
  bar.b_touch_ = b_touch;
  bar.limit_ = limit;
  return bar;
}

Bar Bar::Counter(const std::string& a, const std::string& counter, double limit) {
  return OverTouches(a + ":" + counter, "", "", "", limit);
}

std::optional<Bar> Bar::FromText(std::string_view text) {
  std::string_view parts[5];
  for (std::string_view& part : parts) {
    const size_t end = text.find('|');
    if ((end == std::string_view::npos) != (&part == &parts[4])) return std::nullopt;
    part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  double limit = 0;
  const auto [end, error] = std::from_chars(parts[4].begin(), parts[4].end(), limit);
  const bool read = error == std::errc() && end == parts[4].end() && std::isfinite(limit);
  if (!read || parts[0].empty()) return std::nullopt;
  return OverTouches(std::string(parts[0]), std::string(parts[1]), std::string(parts[2]),
                     std::string(parts[3]), limit);
}

std::string Bar::ToText() const {
  char limit[32];
  std::snprintf(limit, sizeof(limit), "%.6g", limit_);
  return a_ + "|" + a_touch_ + "|" + b_ + "|" + b_touch_ + "|" + limit;
}

std::string Bar::Name() const {
  const std::string a = NameOverTouch(a_, a_touch_);
  return b_.empty() ? a : a + " / " + NameOverTouch(b_, b_touch_);
}

std::optional<double> Bar::Figure(const Measurements& measured) const {
  const std::optional<double> a = workload::OverTouch(measured, a_, a_touch_);
  if (b_.empty() || !a.has_value()) return a;
  const std::optional<double> b = workload::OverTouch(measured, b_, b_touch_);
  // A ratio to zero, or to a negative time, is meaningless.
  if (!b.has_value() || *b <= 0) return std::nullopt;
  return *a / *b;
}

std::optional<bool> Bar::Met(const Measurements& measured) const {
  const std::optional<double> figure = Figure(measured);
  if (!figure.has_value()) return std::nullopt;
  return *figure <= limit_;
}

std::string Bar::Describe(const Measurements& measured) const {
  const std::optional<double> figure = Figure(measured);
  if (!figure.has_value()) return "bar not measured: " + Name();
  char line[64];
  std::snprintf(line, sizeof(line), " = %.3f, limit %.3f: ", *figure, limit_);
  return "bar: " + Name() + line + (*figure <= limit_ ? "met" : "NOT MET");
}

}  // namespace inlay::workload
