// The fields of raw records as a user writes them down, as in "mss:u16,cc:char[16],sack:u8:1".
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_FIELD_LIST_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_FIELD_LIST_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "tools/analysis/values/struct_fields.h"

namespace inlay::analysis {

// The struct that `list` describes: items "name:type", "name:type[count]" or "name:type:bits",
// separated by commas, in the order of the members. Members are placed as a C compiler places them
// on a 64-bit machine, and what is left free becomes padding; if the first item is the word
// "packed", as it places those of a packed struct. docs/analyze.md lists the types.
//
// Fails for what is no such list, naming the item and its first character, counted from 1; for a
// name that is used twice; and for more than kMaxRecordBytes bytes.
absl::StatusOr<StructFields> ParseFieldList(std::string_view list);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_FIELD_LIST_H_
