// Recognizes files of other programs: unsupported compression, databases, packet captures, text in
// other encodings. No reader accepts them, so the error names their kind.
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
  std::string command = {};  // makes it readable, with FILE for its name; empty: no command does
  bool is_text = false;      // its magic could start a table too
  bool is_long = true;       // its magic is too long to start raw records by chance
};

// The kind of the file that starts with `prefix`; nothing if it is none of these.
std::optional<ForeignFile> RecognizeForeign(std::string_view prefix);

// An error that names the kind of the file `name` and the remedy.
absl::Status ForeignError(const std::string& name, const ForeignFile& foreign);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_FOREIGN_FILES_H_
