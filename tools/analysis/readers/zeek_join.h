// Zeek logs as one data set although their fields differ: Zeek adds fields when it is upgraded, and
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
  std::string directive;  // whose line is at fault: "#fields"
  std::string what;
};

// Why the log with the header `header` cannot be joined by name to the one with the header `first`,
// which is in the file `first_path`; nothing if it can. `chosen` are the fields of the value, and
// `named` whether they were chosen by name; if not, all fields must be the same, in whatever order.
std::optional<ZeekFault> ZeekFieldsFault(const ZeekHeader& first, const ZeekHeader& header,
                                         const std::vector<ValueField>& chosen, bool named,
                                         const std::string& first_path);

// Where `header` has the fields `chosen`, in their order. REQUIRES: ZeekFieldsFault() is nothing.
std::vector<size_t> ZeekColumnsOf(const ZeekHeader& header, const std::vector<ValueField>& chosen);

// The line of the header that starts with `directive`; 1 if there is none.
uint64_t ZeekLineOf(std::string_view text, std::string_view directive);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_ZEEK_JOIN_H_
