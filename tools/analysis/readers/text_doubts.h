// Whether text whose format was guessed is a table at all. Most text is none, and a wrong report is
// worse than none: what is not recognised is refused, and what may be meant otherwise is noted.
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

// A file that DetectFormat() takes for text.
struct GuessedText {
  std::string_view prefix;  // of the content
  std::string_view path;
  std::string name;  // for people
  Detection detection;
};

// The doubts about reading `text` as `text.detection` says. Fails for what is no table: nothing but
// blanks, a message, a page, a drawing, sentences, or a file of another format with something
// before it. The message says what it looks like, and which option says otherwise.
absl::StatusOr<std::vector<InputNote>> DoubtsAboutText(const GuessedText& text);

// Whether there is nothing in `text` but blanks and line ends. Tabs are cells for those who ask for
// TSV, and blanks for all others.
bool IsBlank(std::string_view text, bool tabs_are_blanks);

// How many lines of `text` start with a byte order mark: files that were joined may each start with
// one, and only that of the first is skipped.
uint64_t MarkedLines(std::string_view text);

// A line of the input for a message: its start, with what could harm a terminal escaped.
std::string QuotedLine(std::string_view line);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_TEXT_DOUBTS_H_
