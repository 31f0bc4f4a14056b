// Parses the fields of raw records that a user lists, as in "mss:u16,cc:char[16],sack:u8:1".
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_FIELD_LIST_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_FIELD_LIST_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "tools/analysis/values/struct_fields.h"

namespace inlay::analysis {

// The struct that `list` describes: items "name:type", "name:type[count]" or "name:type:bits",
// separated by commas, in the order of the members. The layout is that of a C compiler on a 64-bit
// machine, or of a packed struct if the first item is the word "packed"; free bytes become padding.
// docs/analyze.md lists the types.
//
// Fails for a malformed list, naming the item and its first character, counted from 1; for a
// duplicate name; and for more than kMaxRecordBytes bytes.
absl::StatusOr<StructFields> ParseFieldList(std::string_view list);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_FIELD_LIST_H_
