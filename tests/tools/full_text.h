// The output of `inlay analyze --full` for a report, for tests of words and numbers: without line
// breaks, and with single blanks.

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
