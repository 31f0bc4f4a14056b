// The last cell of a row, if it holds the bytes of the value (RecordSchema::has_bytes_column): the
// text fields give names, and the bytes decide which values are equal.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_BYTES_COLUMN_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_BYTES_COLUMN_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace inlay::analysis {

// The name of the column in schema().fields.
inline constexpr std::string_view kBytesColumnName = "bytes of the value";

// bpftool prints this in place of a member that it cannot print, and omits all members behind it.
inline constexpr std::string_view kUnsupportedMember = "(unsupported-kind";

// Appends the cell of `value`: two hexadecimal digits for each byte.
inline void AppendBytesCell(std::span<const uint8_t> value, std::vector<uint8_t>* row) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t byte : value) {
    row->push_back(static_cast<uint8_t>(kDigits[byte >> 4]));
    row->push_back(static_cast<uint8_t>(kDigits[byte & 15]));
  }
}

// The row without that cell and the delimiter before it. REQUIRES: the row has one.
inline std::string_view WithoutBytesCell(std::string_view row, char delimiter) {
  return row.substr(0, row.rfind(delimiter));
}

// The bytes of that cell; an invalid digit counts as 0. REQUIRES: the row has one.
inline std::vector<uint8_t> BytesOfCell(std::string_view row, char delimiter) {
  const std::string_view digits = row.substr(row.rfind(delimiter) + 1);
  const auto digit = [](char c) {
    return static_cast<uint8_t>(c >= '0' && c <= '9'   ? c - '0'
                                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                       : 0);
  };
  std::vector<uint8_t> bytes;
  bytes.reserve(digits.size() / 2);
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(digit(digits[i]) << 4 | digit(digits[i + 1])));
  }
  return bytes;
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_BYTES_COLUMN_H_
