// How numbers and values are written for people: "1,234,567", "34.5 %", "12.3 MiB", "a\x1Bb".
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_NUMBERS_SHOWN_NUMBERS_H_
#define INLAY_TOOLS_PAGES_NUMBERS_SHOWN_NUMBERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace inlay::analysis {

// 1234567 as "1,234,567".
std::string Grouped(uint64_t number);

// A number with `decimals` decimals and grouped thousands, as in "1,234.50".
std::string GroupedDecimal(double number, int decimals);

// A number rounded to a whole one, as in "1,234".
std::string GroupedWhole(double number);

// part / whole in percent with one decimal, as in "34.5 %"; "< 0.1 %" rather than a zero for a part
// that is not zero, and "> 99.9 %" for one that is not all. REQUIRES: whole > 0.
std::string Percent(uint64_t part, uint64_t whole);

// A size in bytes with a binary unit and three digits or more, as in "12.3 MiB".
std::string ByteSize(uint64_t bytes);

// `text` on one line and harmless for a terminal: control characters other than the tab and bytes
// that are not UTF-8 become \xNN, and what is beyond `max_bytes` becomes "... (+N bytes)".
std::string Printable(std::string_view text, size_t max_bytes);

// The characters of UTF-8 text, which is the columns it fills on a terminal for most scripts.
size_t ShownWidth(std::string_view text);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_PAGES_NUMBERS_SHOWN_NUMBERS_H_
