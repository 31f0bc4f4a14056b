// Counts distinct values by their fields alone if rows have the bytes of the value too.
//
// Thread-safe: a function without state.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_FIELDS_ONLY_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_FIELDS_ONLY_H_

#include <optional>

#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

struct FieldsOnly {
  RecordSchema schema;      // without the column of bytes
  DistinctValues distinct;  // those of the values or their sample, counted without that column
};

// Nothing if the rows have no column of bytes. Throws std::bad_alloc when memory runs out.
std::optional<FieldsOnly> WithoutBytesColumn(const RecordSchema& schema,
                                             const DistinctValues& distinct);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_FIELDS_ONLY_H_
