// What `inlay analyze --full` prints of a report, for tests of words and numbers: lines do not
// break, and each run of blanks is one.

#ifndef INLAY_TESTS_TOOLS_FULL_TEXT_H_
#define INLAY_TESTS_TOOLS_FULL_TEXT_H_

#include <string>

#include "tools/pages/analyze_page/analyze_page.h"
#include "tools/pages/document/terminal.h"

namespace inlay {

inline std::string OneBlankEach(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' || !result.ends_with(' ')) result += c;
  }
  return result;
}

inline std::string FullText(const analysis::Report& report) {
  return OneBlankEach(page::FormatTerminal(analyze_page::BuildFull(report), {.columns = 10'000}));
}

}  // namespace inlay

#endif  // INLAY_TESTS_TOOLS_FULL_TEXT_H_
