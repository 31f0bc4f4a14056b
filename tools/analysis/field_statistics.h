// How many distinct values each field has: each column of text, each byte of raw records.
//
// Computed from the distinct whole values: a field's values over those are the same as over all
// records, and there are far fewer of them.

#ifndef INLAY_TOOLS_ANALYSIS_FIELD_STATISTICS_H_
#define INLAY_TOOLS_ANALYSIS_FIELD_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/analysis/record_source.h"
#include "tools/analysis/value_counter.h"

namespace inlay::analysis {

struct FieldStatistics {
  std::string name;                // of the column, or "byte N"
  std::optional<uint64_t> offset;  // raw: in bytes from the start of the value
  std::optional<uint64_t> bytes;   // raw: size of the field
  uint64_t distinct = 0;
};

// The fields of `schema` in order, counted over `values` with `threads` threads. Throws
// std::bad_alloc when memory runs out.
std::vector<FieldStatistics> CountFields(const RecordSchema& schema,
                                         const std::vector<CountedValue>& values, size_t threads);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELD_STATISTICS_H_
