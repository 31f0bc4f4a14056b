// The lines of a Zeek log that are not records: the header before them, which names the columns and
// their types, and all other lines with '#'.
//
// A log is lines of cells between separators, without quoting. Zeek writes characters that a cell
// cannot hold as \xHH; comparisons use cells as they are written. Concatenated logs have more than
// one header.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_ZEEK_LOG_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_ZEEK_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace inlay::analysis {

// No record of a Zeek log starts with it.
inline constexpr char kZeekDirective = '#';

struct ZeekHeader {
  char separator = '\t';
  std::string set_separator = {};
  std::string empty_field = {};
  std::string unset_field = {};
  std::string path = {};  // the name of the log, such as "conn"
  std::vector<std::string> fields = {};
  std::vector<std::string> types = {};  // of the fields; empty when the header has none
};

// An error in a header.
struct ZeekError {
  uint64_t line = 1;  // counted from 1, the first of the text
  std::string what;
};

// Whether the file that starts with `prefix` is a Zeek log.
bool IsZeekLog(std::string_view prefix);

// Whether the file that starts with `prefix` has an object of JSON in every line, the other format
// of Zeek's logs.
bool IsJsonLines(std::string_view prefix);

// Reads the header that `text` starts with, up to the first line without '#'. On an error returns
// false and fills `error`: no #separator or none of one byte, no #fields, or #types of another
// number. REQUIRES: `text` ends with a whole line or with the file.
bool ReadZeekHeader(std::string_view text, ZeekHeader* header, size_t* header_bytes,
                    ZeekError* error);

// The fault of a line that starts with '#' somewhere behind `header`; empty if it has none. A later
// header must have the same lines, except for #path, #open and #close. Unknown lines are comments.
std::string ZeekDirectiveFault(std::string_view line, const ZeekHeader& header);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_ZEEK_LOG_H_
