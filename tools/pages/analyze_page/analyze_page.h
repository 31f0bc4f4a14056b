// The report of `inlay analyze` as documents, which pages/document writes as HTML or for terminals.
//
// Thread-safe: functions without state. A document is of bounded size for all data: it cuts long
// texts and long lists, and says so.

#ifndef INLAY_TOOLS_PAGES_ANALYZE_PAGE_ANALYZE_PAGE_H_
#define INLAY_TOOLS_PAGES_ANALYZE_PAGE_ANALYZE_PAGE_H_

#include <string>
#include <vector>

#include "tools/analysis/report/report.h"
#include "tools/pages/document/document.h"

namespace inlay::analyze_page {

// The origin of a report.
struct Origin {
  std::string command;             // quoted for a shell
  std::string version;             // of the command
  std::vector<std::string> paths;  // of the input; "-" is standard input
};

// The page of --html: the verdict, every section, a glossary and the origin.
page::Document BuildPage(const analysis::Report& report, const Origin& origin);

// The output of --full: the page without glossary and origin.
page::Document BuildFull(const analysis::Report& report);

// The output without --full: the verdict, the advice, and two tables. About a screen.
page::Document BuildBrief(const analysis::Report& report);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_ANALYZE_PAGE_H_
