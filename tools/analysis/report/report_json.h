// The report as JSON, for programs. docs/analyze.md documents the keys.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_REPORT_JSON_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_REPORT_JSON_H_

#include <string>

#include "tools/analysis/report/report.h"

namespace inlay::analysis {

// One JSON object, indented, ending with a newline. Bytes of text that are not UTF-8 become U+FFFD.
std::string FormatJson(const Report& report);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_REPORT_JSON_H_
