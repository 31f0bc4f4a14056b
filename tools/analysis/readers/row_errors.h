// Messages about rows of delimited text.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_ROW_ERRORS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_ROW_ERRORS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/readers/delimited_records.h"

namespace inlay::analysis {

inline std::string Counted(uint64_t count, std::string_view noun) {
  return absl::StrCat(count, " ", std::string(noun), count == 1 ? "" : "s");
}

inline absl::Status LineError(const std::string& file_name, uint64_t line, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(file_name, ":", line, ": ", std::string(what)));
}

inline std::string TooLong(bool in_quotes) {
  return absl::StrCat("this row is longer than the limit of ", kMaxRowBytes, " bytes",
                      in_quotes ? "; is a quote left open?" : "");
}

inline std::string_view RowErrorText(RowError error) {
  switch (error) {
    case RowError::kNone:
      break;
    case RowError::kTextAfterQuote:
      return "text after the closing quote of a cell";
    case RowError::kOpenQuote:
      return "a quote that is opened in this row is never closed";
  }
  return "";
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_ROW_ERRORS_H_
