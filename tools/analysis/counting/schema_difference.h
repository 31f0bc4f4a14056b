// How the values of two data sets differ, for messages.
//
// Thread-safe: a function without state.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_SCHEMA_DIFFERENCE_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_SCHEMA_DIFFERENCE_H_

#include <string>

#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// "2 columns (a, b) instead of 3 (a, b, c)" and the like: the first thing in which `other` differs from
// `expected`, in one line without control characters.
std::string SchemaDifference(const RecordSchema& other, const RecordSchema& expected);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_SCHEMA_DIFFERENCE_H_
