// FieldBudget: limits the values, threads and tables that a computation on fields uses at a time,
// so that it keeps to a budget of memory.
//
// A computation that exceeds the budget first uses fewer threads and encodes fewer fields at a
// time, and only then samples the values. The sample does not depend on the number of threads.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_BUDGET_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_BUDGET_H_

#include <cstddef>

#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/fields/field_codes.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

class FieldBudget {
 public:
  // `budget_bytes` may be BoundedCounter::kUnbounded. It leaves out some KiB of results for each
  // field.
  FieldBudget(size_t budget_bytes, size_t fields) : budget_bytes_(budget_bytes), fields_(fields) {}

  // The values that may be encoded.
  size_t MostValues() const;
  // Of `threads`, those that may work on so many values; one at least.
  size_t Threads(size_t values, size_t threads) const;
  // The fields whose tables may grow at a time while so many values are encoded; one at least.
  size_t Encoders(size_t values) const;

 private:
  size_t budget_bytes_;
  size_t fields_;
};

// Encodes the values: all, or of more than budget.MostValues() a sample, as bounded_counter.h draws
// it, of one value at least. REQUIRES: as EncodeFields(). Throws std::bad_alloc when memory runs
// out.
FieldCodes EncodeWithin(const FieldBudget& budget, const RecordSchema& schema,
                        const DistinctValues& distinct, size_t threads);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_BUDGET_H_
