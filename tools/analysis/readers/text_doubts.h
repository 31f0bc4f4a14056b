// Checks whether text of a guessed format is a table at all. Most text is not, and a wrong report
// is worse than none: this rejects unknown text, and notes ambiguous text.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_TEXT_DOUBTS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_TEXT_DOUBTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/readers/format_detection.h"
#include "tools/analysis/values/input_note.h"

namespace inlay::analysis {

// A file that DetectFormat() considers text.
struct GuessedText {
  std::string_view prefix;  // of the content
  std::string_view path;
  std::string name;  // for messages
  Detection detection;
};

// The doubts about reading `text` by `text.detection`. Fails if it is not a table but only blanks,
// an error message, a page, a drawing, sentences, or a file of another format behind other lines.
// The error says what it looks like, and which option overrules that.
absl::StatusOr<std::vector<InputNote>> DoubtsAboutText(const GuessedText& text);

// Whether `text` has only blanks and line ends. Tabs count as blanks unless the user asks for TSV.
bool IsBlank(std::string_view text, bool tabs_are_blanks);

// The number of lines of `text` that start with a byte order mark. Concatenated files may each
// start with one, and readers skip only the first.
uint64_t MarkedLines(std::string_view text);

// A line of the input for a message: its start, with what could harm a terminal escaped.
std::string QuotedLine(std::string_view line);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_TEXT_DOUBTS_H_
