// Opens input files as a stream of records, in the given or detected format.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_OPEN_RECORDS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_OPEN_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/values/bounded_counter.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

enum class RecordFormat { kDetect, kRaw, kCsv, kTsv, kZeek, kBpftool, kSs, kCapture, kJson };

// How to read records. The members and the messages use the names of the command's options.
struct RecordOptions {
  RecordFormat format = RecordFormat::kDetect;
  // Raw only; required there unless `fields` or `btf_path` gives the size. Captures: see
  // capture_records.h.
  std::optional<uint64_t> value_bytes;
  std::string fields;    // see field_list.h; empty: not given
  std::string btf_path;  // see btf_schema.h; both or none
  std::string type;
  std::string columns;         // not raw; see column_selection.h
  std::optional<bool> header;  // CSV and TSV only; see DelimitedOptions
  // Captures only: allows counting equal values together, see OpenCaptureRecords().
  bool counted = false;
  bool names_columns = false;      // CSV and TSV: there is a header unless `header` is false
  std::optional<char> delimiter;   // CSV and TSV only
  bool blank_runs = false;         // instead of `delimiter`: columns are between runs of blanks
  bool no_quotes = false;          // CSV: '"' is a character like any other
  std::optional<uint32_t> map_id;  // ss only; see DumpOptions
  size_t dump_budget_bytes = BoundedCounter::kUnbounded;  // dumps only; see DumpOptions
};

// Opens `inputs` as one stream of records. Without a format, `value_bytes`, `fields` or `btf_path`
// mean raw, unless the first file is a capture, and otherwise the first file's content decides.
// Fails for options that contradict each other or the format, for an input recognized as other than
// records, and if the reader's Open function fails. REQUIRES: no file has been taken from `inputs`.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenRecords(Inputs inputs,
                                                          const RecordOptions& options);

// The same for files by their paths; "-" is standard input. Also fails if Inputs::Open() fails.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenRecords(const std::vector<std::string>& paths,
                                                          const RecordOptions& options);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_OPEN_RECORDS_H_
