// Reader of what `ss --bpf-maps` prints: for each socket the values that BPF maps of socket storage
// keep for it, in the notation of C.

#ifndef INLAY_TOOLS_ANALYSIS_DUMPS_SS_DUMP_H_
#define INLAY_TOOLS_ANALYSIS_DUMPS_SS_DUMP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>

#include "tools/analysis/bytes/text_cursor.h"
#include "tools/analysis/dumps/dumped_value.h"

namespace inlay::analysis {

// The maps of one or several outputs of ss.
struct SsMaps {
  std::optional<uint32_t> wanted;  // by its id; unset: the first one, and there must be no other
  std::set<uint32_t> seen;
};

// Reads the values of the wanted map from `cursor`; all arguments must outlive the reader. A value
// has fields; one that ss could not print to its end is cut and has those before the place. An
// array is one field, "[192 0 2 1]", because ss leaves elements out. Two maps without a wanted
// one, and output that ends inside a value, are errors of Next().
std::unique_ptr<DumpReader> ReadSsDump(TextCursor* cursor, SsMaps* maps, DumpCounts* counts);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_SS_DUMP_H_
