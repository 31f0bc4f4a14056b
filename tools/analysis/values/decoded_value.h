// Decodes the bytes of a value, field by field.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_DECODED_VALUE_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_DECODED_VALUE_H_

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tools/analysis/values/value_field.h"

namespace inlay::analysis {

struct DecodedField {
  std::string name;
  // A number or text. Text is an array of char without its trailing zeroes, the name of an enum's
  // value if it has one, or bytes of unknown meaning in hexadecimal.
  std::variant<bool, uint64_t, int64_t, double, std::string> value;
};

// All fields of `value` but padding, in order. REQUIRES: each has an offset and lies within the
// value; numbers have at most 64 bits, a float 32 or 64.
std::vector<DecodedField> DecodeValue(std::span<const uint8_t> value,
                                      const std::vector<ValueField>& fields);

// "mss=1460 cc=cubic tier=TIER_GOLD". Text that is empty or holds a blank, '=' or '"' stands in
// quotes.
std::string DecodedText(const std::vector<DecodedField>& fields);

// `bytes` in hexadecimal, two digits for each.
std::string Hex(std::span<const uint8_t> bytes);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_DECODED_VALUE_H_
