// The report: all sections of some results, as one document.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_REPORT_REPORT_H_
#define INLAY_TOOLS_REPORT_REPORT_H_

#include <string>

#include "tools/page/document.h"
#include "tools/report/results.h"

namespace inlay::report {

page::Document BuildReport(const Results& results);

// The headline table as Markdown, after a line with what its figures mean nothing without. Empty if nothing of
// it was measured.
std::string ReadmeTable(const Results& results);

}  // namespace inlay::report

#endif  // INLAY_TOOLS_REPORT_REPORT_H_
