// Joins Zeek logs with different fields into one data set: upgrades of Zeek add fields, and Zeek
// rotates its logs.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_ZEEK_JOIN_H_
#define INLAY_TOOLS_ANALYSIS_READERS_ZEEK_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/analysis/grammar/zeek_log.h"
#include "tools/analysis/values/value_field.h"

namespace inlay::analysis {

struct ZeekFault {
  std::string directive;  // of the wrong line: "#fields"
  std::string what;
};

// The reason why the log with the header `header` cannot be joined by name to the one with the
// header `first`, which is in the file `first_path`; nothing if it can. `chosen` are the fields of
// the value; `named` tells whether they were chosen by name. If not, all fields must be the same,
// in any order.
std::optional<ZeekFault> ZeekFieldsFault(const ZeekHeader& first, const ZeekHeader& header,
                                         const std::vector<ValueField>& chosen, bool named,
                                         const std::string& first_path);

// The columns of the fields `chosen` in `header`, in the order of `chosen`. REQUIRES:
// ZeekFieldsFault() is nothing.
std::vector<size_t> ZeekColumnsOf(const ZeekHeader& header, const std::vector<ValueField>& chosen);

// The line of the header that starts with `directive`; 1 if there is none.
uint64_t ZeekLineOf(std::string_view text, std::string_view directive);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_ZEEK_JOIN_H_
