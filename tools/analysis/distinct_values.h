// Counts the distinct values of a stream of records.

#ifndef INLAY_TOOLS_ANALYSIS_DISTINCT_VALUES_H_
#define INLAY_TOOLS_ANALYSIS_DISTINCT_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/record_source.h"
#include "tools/analysis/value_counter.h"

namespace inlay::analysis {

// Every distinct value with its count, in no particular order. Owns the bytes.
struct DistinctValues {
  ValueCounter counter;
  uint64_t records = 0;  // the sum of the counts, at least 1

  const std::vector<CountedValue>& values() const { return counter.values(); }
};

// The threads to count with on this machine: one per core, at most 8, because the threads' tables
// are joined by one.
size_t DefaultThreads();

// Reads `source` to its end with `threads` threads (at least one is used). Of several errors the
// first one in the input is returned. Fails also when there is no record, and with
// kResourceExhausted when the distinct values do not fit in memory. Calls nothing back: another
// thread may watch source.bytes_read().
absl::StatusOr<DistinctValues> CountDistinct(RecordSource& source, size_t threads);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DISTINCT_VALUES_H_
