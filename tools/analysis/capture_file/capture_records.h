// Reader of captures (.inlay): the values that `inlay capture` has read from a kernel.
// docs/format.md has the format.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_RECORDS_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_RECORDS_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/values/record_source.h"
#include "tools/analysis/values/struct_fields.h"

namespace inlay::analysis {

// Reads `inputs` as captures of the same kind of value. Several files, and captures concatenated
// into one file, are one stream.
//
// A series has a SnapshotName() for each snapshot: its time, and the file if there are several. The
// reader skips a snapshot without a readable record.
//
// Damaged, truncated or partial data is not an error: the reader returns all intact records, and
// Notes() has a doubt for each lost part. Errors are a file without a description of its values,
// values that differ from those of the first file, a series mixed with other inputs, and an input
// without a readable record.
//
// With `counted`, the reader returns each value of a dictionary once per snapshot, and
// RecordBlock::copies() has its count: a few bytes can stand for very many records, and should cost
// no more than their reading. Otherwise it returns every record, in order, and records that stand
// for more than 64 GiB of values are an error.
//
// `named` is the user's description of the values, if any. Opening fails if the files contradict
// it; they may lack fields.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenCaptureRecords(Inputs inputs,
                                                                 std::optional<StructFields> named,
                                                                 bool counted = false);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_RECORDS_H_
