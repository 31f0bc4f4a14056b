#include "tools/pages/numbers/number_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace inlay::numbers {
namespace {

std::string Error(double error, int decimals) {
  return error == 0 ? "" : " ± " + GroupedDecimal(error, decimals);
}

}  // namespace

std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string GroupedSigned(int64_t number) {
  const auto magnitude = static_cast<uint64_t>(number);
  return number < 0 ? "-" + Grouped(0 - magnitude) : Grouped(magnitude);
}

std::string GroupedDecimal(double number, int decimals) {
  const std::string text = absl::StrFormat("%.*f", decimals, std::abs(number));
  const size_t point = std::min(text.find('.'), text.size());
  // Numbers of more digits are far above any count of bytes or records, and stay as they are.
  const std::string grouped =
      point > 18 ? text : Grouped(std::stoull(text.substr(0, point))) + text.substr(point);
  const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
  return number < 0 && !is_zero ? "-" + grouped : grouped;
}

std::string GroupedWhole(double number) { return GroupedDecimal(std::round(number), 0); }

std::string LargeCount(double count) {
  constexpr double kLargestWritten = 1e15;
  if (!(std::abs(count) < kLargestWritten)) return absl::StrFormat("%.3g", count);
  return GroupedWhole(count);
}

std::string CountOf(uint64_t number, const std::string& noun) {
  return absl::StrCat(Grouped(number), " ", noun, number == 1 ? "" : "s");
}

std::string Estimate(uint64_t number, double error) { return Grouped(number) + Error(error, 0); }

std::string Estimate(double number, double error, int decimals) {
  return GroupedDecimal(number, decimals) + Error(error, decimals);
}

std::string Percent(uint64_t part, uint64_t whole) {
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (part != 0 && percent < 0.05) return "< 0.1 %";
  if (part < whole && percent >= 99.95) return "> 99.9 %";
  return absl::StrFormat("%.1f %%", percent);
}

std::string PercentOf(double ratio) {
  const double percent = ratio * 100;
  return GroupedDecimal(percent, std::abs(percent) < 9.95 ? 1 : 0) + " %";
}

std::string Probability(double probability) {
  if (probability <= 0) return "0 %";
  if (probability >= 1) return "100 %";
  const double percent = 100 * probability;
  if (percent < 0.1) return "< 0.1 %";
  if (percent > 99.9) return "> 99.9 %";
  return GroupedDecimal(percent, 1) + " %";
}

std::string Times(double factor) {
  return GroupedDecimal(factor, factor < 9.95 ? 1 : 0) + " times";
}

std::string TimesSign(double factor) { return GroupedDecimal(factor, factor < 9.95 ? 1 : 0) + "x"; }

std::string Ratio(double ratio) {
  const double size = std::abs(ratio);
  return GroupedDecimal(ratio, size < 9.995 ? 3 : size < 99.95 ? 1 : 0);
}

std::string ByteSize(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double size = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 would round to 1024.0.
  while (size >= 1023.95 && unit + 1 < std::size(kUnits)) {
    size /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", size, kUnits[unit]);
}

std::string BytesPerSocket(double bytes) { return GroupedDecimal(bytes, 2) + "\u00a0B"; }

std::string ThreeDigits(double number) {
  const double size = std::abs(number);
  return GroupedDecimal(number, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

std::string Nanoseconds(double ns) { return GroupedDecimal(ns, std::abs(ns) < 9.95 ? 1 : 0); }

std::string Minute(const std::string& date) {
  constexpr size_t kMinuteLength = 16;
  if (date.size() < kMinuteLength || date[10] != 'T') return date;
  return Day(date) + " " + date.substr(11, 5);
}

std::string Day(const std::string& date) { return date.substr(0, date.find('T')); }

}  // namespace inlay::numbers
