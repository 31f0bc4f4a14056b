// Reads summaries out of files, as bytes or as lines of base64, and adds them.
//
// Thread-safe: a function without state.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_READ_SUMMARIES_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_READ_SUMMARIES_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/counting/summary.h"

namespace inlay::analysis {

// The sum of all summaries in all of `inputs`. A file holds one or several, one after the other or,
// as text, one per line. Keeps to `budget_bytes`, besides one file. Errors name the file.
absl::StatusOr<Summary> ReadSummaries(Inputs inputs, size_t budget_bytes);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_READ_SUMMARIES_H_
