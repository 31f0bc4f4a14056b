// The report of `inlay analyze` as documents, which pages/document writes as HTML or for terminals.
//
// Thread-safe: functions without state. Whatever the data is, a document is of bounded size: it
// cuts long texts and long lists, and says so.

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
  std::vector<std::string> paths;  // of the input; "-" is standard input
};

// The page of --html: the verdict, every section, a glossary and the origin.
page::Document BuildPage(const analysis::Report& report, const Origin& origin);

// The output of --full: the page without glossary and origin.
page::Document BuildFull(const analysis::Report& report);

// The output without --full: the verdict, what to do, and two tables. About a screen.
page::Document BuildBrief(const analysis::Report& report);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_ANALYZE_PAGE_H_
