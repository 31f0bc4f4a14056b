// Reads the JSON that `bpftool map dump` prints (-j, -jp), and the similar plain form that it
// prints for a map with type information.

#ifndef INLAY_TOOLS_ANALYSIS_DUMPS_BPFTOOL_JSON_H_
#define INLAY_TOOLS_ANALYSIS_DUMPS_BPFTOOL_JSON_H_

#include <memory>

#include "tools/analysis/bytes/text_cursor.h"
#include "tools/analysis/dumps/dumped_value.h"

namespace inlay::analysis {

// Reads values from `cursor`; both arguments must outlive the reader. A value has fields when the
// map has type information, and bytes when the dump has them; a per-CPU map has one value for each
// CPU. Next() fails for an empty or truncated dump.
std::unique_ptr<DumpReader> ReadBpftoolJson(TextCursor* cursor, DumpCounts* counts);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_BPFTOOL_JSON_H_
