// Files of other programs: compressed with something that is not undone here, databases, captures
// of packets, text in another encoding. No reader takes them, so they are named instead.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_FOREIGN_FILES_H_
#define INLAY_TOOLS_ANALYSIS_READERS_FOREIGN_FILES_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace inlay::analysis {

struct ForeignFile {
  std::string kind = {};     // "a Parquet file"
  std::string command = {};  // makes it readable, with FILE for its name; empty: nothing does
  bool is_text = false;      // what it is told by could start a table too
  bool is_long = true;       // what it is told by is too long to start raw records by chance
};

// What the file that starts with `prefix` is; nothing if it is none of these.
std::optional<ForeignFile> RecognizeForeign(std::string_view prefix);

// An error that says so of the file `name`, with what to do about it.
absl::Status ForeignError(const std::string& name, const ForeignFile& foreign);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_FOREIGN_FILES_H_
