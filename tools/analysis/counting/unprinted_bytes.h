// Explains why values with equal printed fields differ in their bytes.
//
// Thread-safe: a function without state.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_UNPRINTED_BYTES_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_UNPRINTED_BYTES_H_

#include <optional>

#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/values/input_note.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// A note about the bytes that differ, and the reason why the fields hide it; nothing if rows have
// no column of bytes, or if the fields tell all values apart. Throws std::bad_alloc when memory
// runs out.
std::optional<InputNote> UnprintedBytesNote(const RecordSchema& schema,
                                            const DistinctValues& distinct);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_UNPRINTED_BYTES_H_
