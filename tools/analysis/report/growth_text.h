// The section of the report about growth, for people.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_TEXT_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_TEXT_H_

#include <optional>
#include <string>

#include "tools/analysis/growth/growth.h"

namespace inlay::analysis {

// Lines of text, the first one empty. `index_bits` is the width for the values of today.
// Thread-safe.
std::string FormatGrowth(const Growth& growth, std::optional<int> index_bits);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_TEXT_H_
