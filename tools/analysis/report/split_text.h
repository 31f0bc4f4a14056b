// The section of the report about the split, for people.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_SPLIT_TEXT_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_SPLIT_TEXT_H_

#include <string>

#include "tools/analysis/split/split_advice.h"

namespace inlay::analysis {

// Lines of text, the first one empty. Thread-safe.
std::string FormatSplit(const SplitAdvice& split);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_SPLIT_TEXT_H_
