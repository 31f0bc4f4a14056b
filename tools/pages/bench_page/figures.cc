#include "tools/pages/bench_page/figures.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/pages/numbers/shown_numbers.h"

namespace inlay::bench_page {
namespace {

std::string Decimal(double number, int decimals) {
  const std::string text = analysis::GroupedDecimal(std::abs(number), decimals);
  const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
  return number < 0 && !is_zero ? "-" + text : text;
}

}  // namespace

std::string Nanoseconds(double ns) { return Decimal(ns, std::abs(ns) < 9.95 ? 1 : 0); }

std::string Bytes(double bytes) {
  const double size = std::abs(bytes);
  return Decimal(bytes, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

std::string Count(int64_t count) {
  return count < 0 ? absl::StrCat(count) : analysis::Grouped(static_cast<uint64_t>(count));
}

std::string PercentOf(double ratio) {
  const double percent = ratio * 100;
  return Decimal(percent, std::abs(percent) < 9.95 ? 1 : 0) + " %";
}

std::string Times(double ratio) { return Decimal(ratio, ratio < 9.95 ? 1 : 0) + " times"; }

std::string Ratio(double ratio) {
  const double size = std::abs(ratio);
  return Decimal(ratio, size < 9.995 ? 3 : size < 99.95 ? 1 : 0);
}

std::string Minute(const std::string& date) {
  constexpr size_t kMinuteLength = 16;
  if (date.size() < kMinuteLength || date[10] != 'T') return date;
  return Day(date) + " " + date.substr(11, 5);
}

std::string Day(const std::string& date) { return date.substr(0, date.find('T')); }

}  // namespace inlay::bench_page
