// StructFields: the fields of a C struct, in the order of their places, and the size of the
// struct. Every bit of it belongs to exactly one field.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_STRUCT_FIELDS_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_STRUCT_FIELDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/analysis/values/value_field.h"

namespace inlay::analysis {

struct StructFields {
  std::vector<ValueField> fields;
  uint64_t value_bytes = 0;
};

// An array with more elements is one field, not a field for each element.
inline constexpr uint64_t kMaxArrayFields = 64;

// Adds a field of kind kPadding for every run of bits up to value_bytes that no field has:
// "padding 42-43" for whole bytes, "padding 7 bits 3-7" for a part of one. REQUIRES: the fields
// are by offset, within the value, and do not overlap.
void AddPadding(StructFields* fields);

// "bytes 4-7" for the prefix "bytes", and "byte 4" style for one byte: `one` is its prefix.
// REQUIRES: first <= last.
std::string ByteRangeName(std::string_view one, std::string_view several, uint64_t first,
                          uint64_t last);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_STRUCT_FIELDS_H_
