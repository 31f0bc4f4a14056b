// Formats numbers and dates for people: "1,234,567", "34.5 %", "12.3 MiB", "2.13 B", "5.3 times".
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_NUMBERS_NUMBER_TEXT_H_
#define INLAY_TOOLS_PAGES_NUMBERS_NUMBER_TEXT_H_

#include <cstdint>
#include <string>

namespace inlay::numbers {

// The text for a missing measurement.
inline constexpr char kNoNumber[] = "-";

// 1234567 as "1,234,567".
std::string Grouped(uint64_t number);
std::string GroupedSigned(int64_t number);

// A number with `decimals` decimals and grouped thousands, as in "1,234.50"; never "-0".
std::string GroupedDecimal(double number, int decimals);

// A number rounded to a whole one, as in "1,234".
std::string GroupedWhole(double number);

// A count that need not be whole and may be huge, as in "1,234" or "1.5e+20".
std::string LargeCount(double count);

// A count with its noun, as in "1 field", "3 fields"; for nouns that form their plural with "s".
std::string CountOf(uint64_t number, const std::string& noun);

// "1,234 ± 56"; without the error where that is 0.
std::string Estimate(uint64_t number, double error);
std::string Estimate(double number, double error, int decimals);

// part / whole in percent with one decimal, as in "34.5 %". A part above zero is at least "< 0.1
// %", and a part below the whole at most "> 99.9 %". REQUIRES: whole > 0.
std::string Percent(uint64_t part, uint64_t whole);
// A ratio in percent, as in "2.3 %" for 0.0233 and "105 %" for 1.05.
std::string PercentOf(double ratio);
// A probability, as in "12.3 %", "< 0.1 %"; "0 %" and "100 %" only for certainties.
std::string Probability(double probability);

// "5.3 times", "412 times".
std::string Times(double factor);
// The same for tables and headlines: "5.3x", "412x".
std::string TimesSign(double factor);
// A ratio with enough digits for a limit on it: 0.0234 is "0.023", 12.3 is "12.3".
std::string Ratio(double ratio);

// A size in bytes with a binary unit and three digits or more, as in "12.3 MiB".
std::string ByteSize(uint64_t bytes);
// Bytes per socket with two decimals, as in "2.33 B"; the space in it does not end a line.
std::string BytesPerSocket(double bytes);
// A size or a counter with three digits, as in "2.13", "48.0", "393".
std::string ThreeDigits(double number);

// "9.0", "386", "1,272".
std::string Nanoseconds(double ns);

// Of a date in ISO 8601, "2026-11-22T21:10:05+00:00": "2026-11-22 21:10", and "2026-11-22".
std::string Minute(const std::string& date);
std::string Day(const std::string& date);

}  // namespace inlay::numbers

#endif  // INLAY_TOOLS_PAGES_NUMBERS_NUMBER_TEXT_H_
