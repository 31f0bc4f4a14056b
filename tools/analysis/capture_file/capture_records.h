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

// Reads `inputs` as captures of the same kind of value; several files, and captures that were
// joined into one file, are one stream.
//
// A series has a SnapshotName() for each snapshot: its time, and the file if there are several. A
// snapshot of which no record can be read is passed over.
//
// What is damaged, cut off or marked as partial is no error: the reader reads all that is intact,
// and Notes() has a doubt for each part that is not. Errors are a file without a description of
// its values, values that are not those of the first file, a series beside something else, and an
// input of which no record can be read.
//
// `counted`: RecordBlock::copies() tells how often a value occurs, and each value of a dictionary
// is given out once for each snapshot: a few bytes can stand for very many records, and are
// counted for what they cost to read. Otherwise every record is given out, in order, and records that
// stand for more than 64 GiB of values are an error.
//
// `named`, if given, is what the user says of the values. Fails if the files say something else;
// they need not say what the fields are.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenCaptureRecords(Inputs inputs,
                                                                 std::optional<StructFields> named,
                                                                 bool counted = false);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_RECORDS_H_
