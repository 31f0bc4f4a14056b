// The report as text, for people.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_REPORT_TEXT_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_REPORT_TEXT_H_

#include <string>

#include "tools/analysis/report/report.h"

namespace inlay::analysis {

// Lines of UTF-8, ending with a newline. Values are made harmless for a terminal and long ones are
// cut; everything else is there.
std::string FormatText(const Report& report);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_REPORT_TEXT_H_
