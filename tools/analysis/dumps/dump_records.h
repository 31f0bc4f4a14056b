// Reader of dumps: the values of BPF maps as bpftool and ss print them.

#ifndef INLAY_TOOLS_ANALYSIS_DUMPS_DUMP_RECORDS_H_
#define INLAY_TOOLS_ANALYSIS_DUMPS_DUMP_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/values/bounded_counter.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

struct DumpOptions {
  enum class Tool { kBpftool, kSs };

  Tool tool = Tool::kBpftool;
  std::string columns;             // see column_selection.h; empty: all fields
  std::optional<uint32_t> map_id;  // ss only: whose values to read; unset: there must be one map
  // What the keys may take, to find those that occur more than once: of more of them, a sample.
  size_t budget_bytes = BoundedCounter::kUnbounded;
};

// Reads `inputs` as dumps of one map; several files are one stream. A value whose fields are known
// is a row of text with a cell for each of them. If the dump has its bytes too, and all fields are
// chosen, schema().has_bytes_column: the last cell has them, and schema().binary_bytes is their
// number. A value of which there are only bytes is a raw record. Reads the start of the input, and
// fails for everything that is wrong there; what is wrong later is an error of the Next() that
// meets it.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenDumpRecords(Inputs inputs, DumpOptions options);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_DUMP_RECORDS_H_
