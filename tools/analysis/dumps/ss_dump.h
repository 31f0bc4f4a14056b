// Reads the output of `ss --bpf-maps`: for each socket, its values in BPF maps of socket storage,
// in the notation of C.

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
  std::optional<uint32_t> wanted;  // by its id; unset: the only one
  std::set<uint32_t> seen;
};

// Reads the values of the wanted map from `cursor`; all arguments must outlive the reader. A value
// has fields; if ss could not print all of it, it is cut and has the fields before that. An array
// is one field, "[192 0 2 1]", because ss omits elements. Next() fails for a second map if none is
// wanted, and for output that ends inside a value.
std::unique_ptr<DumpReader> ReadSsDump(TextCursor* cursor, SsMaps* maps, DumpCounts* counts);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_SS_DUMP_H_
