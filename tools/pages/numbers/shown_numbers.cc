#include "tools/pages/numbers/shown_numbers.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace inlay::analysis {
namespace {

// The length in bytes of the UTF-8 character at the start of `text`; 0 when there is none.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is above U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

bool IsControl(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return (first < 0x20 && first != '\t') || first == 0x7F;
  // U+0080 to U+009F, which some terminals obey.
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
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

std::string GroupedDecimal(double number, int decimals) {
  const std::string text = absl::StrFormat("%.*f", decimals, number);
  const size_t point = std::min(text.find('.'), text.size());
  // What does not fit is far above any count of bytes or records, and is printed as it is.
  if (point > 18 || number < 0) return text;
  return Grouped(std::stoull(text.substr(0, point))) + text.substr(point);
}

std::string GroupedWhole(double number) { return GroupedDecimal(std::round(number), 0); }

std::string Percent(uint64_t part, uint64_t whole) {
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (part != 0 && percent < 0.05) return "< 0.1 %";
  if (part < whole && percent >= 99.95) return "> 99.9 %";
  return absl::StrFormat("%.1f %%", percent);
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

std::string Printable(std::string_view text, size_t max_bytes) {
  std::string shown;
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = Utf8Length(text.substr(at));
    const std::string_view character = text.substr(at, std::max<size_t>(length, 1));
    if (at + character.size() > max_bytes) break;
    if (length == 0 || IsControl(character)) {
      for (const char c : character) {
        absl::StrAppendFormat(&shown, "\\x%02X", static_cast<unsigned char>(c));
      }
    } else {
      shown += character;
    }
    at += character.size();
  }
  if (at < text.size()) absl::StrAppend(&shown, "... (+", Grouped(text.size() - at), " bytes)");
  return shown;
}

size_t ShownWidth(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace inlay::analysis
