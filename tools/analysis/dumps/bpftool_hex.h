// Reads the plain text that `bpftool map dump` prints for a map without type information: "key: 01
// 00  value: 02 00", in one line or several, and "Found 3 elements" at the end.

#ifndef INLAY_TOOLS_ANALYSIS_DUMPS_BPFTOOL_HEX_H_
#define INLAY_TOOLS_ANALYSIS_DUMPS_BPFTOOL_HEX_H_

#include <memory>

#include "tools/analysis/bytes/text_cursor.h"
#include "tools/analysis/dumps/dumped_value.h"

namespace inlay::analysis {

// Reads values from `cursor`; both arguments must outlive the reader. Values have bytes only; a
// per-CPU map has one for each CPU. Next() fails for an empty or truncated dump.
std::unique_ptr<DumpReader> ReadBpftoolHex(TextCursor* cursor, DumpCounts* counts);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_BPFTOOL_HEX_H_
