// Advice for the user of a report, in sentences.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_NEXT_STEPS_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_NEXT_STEPS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tools/analysis/report/report.h"

namespace inlay::analysis {

// Zero or more sentences. Each names an obstacle to sharing in `report`, or a reason to doubt its
// numbers, with the option that may help.
std::vector<std::string> NextSteps(const Report& report);

// Column numbers, counted from 0 and ascending, in the form that --columns takes: "1-3,5".
std::string ColumnList(const std::vector<size_t>& columns);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_NEXT_STEPS_H_
