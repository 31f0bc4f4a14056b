// The reason why two data sets cannot be added, in words.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_VALUES_DIFFERENCE_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_VALUES_DIFFERENCE_H_

#include <string>

#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// The first thing in which the values of `here` differ from those of `before`: "3 columns instead
// of 2". REQUIRES: SameValues() is false.
std::string ValuesDifference(const RecordSchema& here, const RecordSchema& before);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_VALUES_DIFFERENCE_H_
