// Counts the distinct values of a stream of records.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_DISTINCT_VALUES_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_DISTINCT_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/counting/growth_point.h"
#include "tools/analysis/values/bounded_counter.h"
#include "tools/analysis/values/record_source.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {

// Every distinct value with its count, in no particular order; or a sample of them if they exceed
// the budget (bounded_counter.h). Owns the bytes.
struct DistinctValues {
  BoundedCounter counter;
  uint64_t records = 0;  // all of them, at least 1

  const CountedValues& values() const { return counter.sample().values(); }
  bool exact() const { return counter.level() == 0; }
};

// The number of counting threads for this machine: one per core, at most 8, because a single thread
// joins their tables.
size_t DefaultThreads();

// Reads `source` to its end with `threads` threads (at least one is used), and keeps to
// `budget_bytes` of memory (bounded_counter.h). Of several errors it returns the first one in the
// input. Fails also with kNotFound when there is no record, and with kResourceExhausted when the
// distinct values do not fit in memory. Has no callback: another thread may watch
// source.bytes_read().
absl::StatusOr<DistinctValues> CountDistinct(RecordSource& source, size_t threads,
                                             size_t budget_bytes = BoundedCounter::kUnbounded);

// The same result, and the number of distinct values among the first records: after 1, 2, 4..
// records of the first block, after 1, 2, 4.. blocks, and at the end. The points do not depend on
// `threads` (estimates do, if the values exceed the budget). At each point the threads wait while
// one joins their counts.
absl::StatusOr<DistinctValues> CountDistinctInOrder(RecordSource& source, size_t threads,
                                                    size_t budget_bytes,
                                                    std::vector<GrowthPoint>* points);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_DISTINCT_VALUES_H_
