// Reads raw records: a file has only values of one size, one after the other.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_RAW_RECORDS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_RAW_RECORDS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// Reads `inputs` as records of `value_bytes` bytes; several files are one stream. Fails for a value
// size out of range; Next() fails for an empty file or an incomplete last record. `fields`, if any,
// are those of the schema.
// REQUIRES: they are by offset, and lie within the value.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenRawRecords(Inputs inputs, uint64_t value_bytes,
                                                             std::vector<ValueField> fields = {});

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_RAW_RECORDS_H_
