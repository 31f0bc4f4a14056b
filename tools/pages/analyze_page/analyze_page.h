// The page that `inlay analyze --html` writes: the report as a document, its terms defined where
// they stand.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_ANALYZE_PAGE_ANALYZE_PAGE_H_
#define INLAY_TOOLS_PAGES_ANALYZE_PAGE_ANALYZE_PAGE_H_

#include <string>
#include <vector>

#include "tools/analysis/report/report.h"
#include "tools/pages/document/document.h"

namespace inlay::analyze_page {

// Where a report comes from.
struct Origin {
  std::string command;             // as a shell takes it
  std::string version;             // of the command
  std::vector<std::string> paths;  // what was read; "-" is standard input
};

// Whatever the data is, the document is of bounded size: long texts are cut, and so are long lists,
// which say so.
page::Document BuildPage(const analysis::Report& report, const Origin& origin);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_ANALYZE_PAGE_H_
