// Reads delimited text: CSV (RFC 4180), TSV, variants with other delimiters, and Zeek logs.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_DELIMITED_RECORDS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_DELIMITED_RECORDS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/values/record_limits.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

struct DelimitedOptions {
  Dialect dialect;
  std::string columns = {};  // see column_selection.h; empty: all of them
  // Whether every file's first row is a header; unset: only when `columns` needs one.
  std::optional<bool> header = {};
  // Whether every file is a Zeek log, whose header determines `dialect` and `header`.
  bool zeek_log = false;
  bool blank_runs = false;  // columns are between runs of blanks; `dialect` is kBlankDialect
  // Whether all this was guessed from the first file: a later file of another kind is then an
  // error.
  bool detected = false;
};

// Reads `inputs` as rows; several files are one stream and must have the same columns. Zeek logs
// may have them in another order, and also other columns if `columns` has names. The value of a
// record is its chosen cells in canonical form. Reads the start of the first file and fails for
// errors there; Next() reports later errors.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenDelimitedRecords(Inputs inputs,
                                                                   DelimitedOptions options);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_DELIMITED_RECORDS_H_
