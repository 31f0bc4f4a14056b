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
  std::optional<uint32_t> map_id;  // ss only: the map to read; unset: there must be only one
  // The memory for keys, to find duplicates. It keeps a sample of the keys beyond that.
  size_t budget_bytes = BoundedCounter::kUnbounded;
};

// Reads `inputs` as dumps of one map; several files are one stream. A value with known fields is a
// row of text with a cell for each field. If the dump has its bytes too, and all fields are chosen,
// schema().has_bytes_column is true: the last cell has the bytes, and schema().binary_bytes is
// their number. A value with bytes alone is a raw record. Reads the start of the input and fails
// for errors there; Next() reports later errors.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenDumpRecords(Inputs inputs, DumpOptions options);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_DUMP_RECORDS_H_
