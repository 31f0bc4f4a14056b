// Counts the input of `inlay analyze`: records, snapshots, or summaries.
//
// It prints nothing: an observer may show the progress.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_COUNT_INPUT_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_COUNT_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/counting/growth_point.h"
#include "tools/analysis/counting/snapshot.h"
#include "tools/analysis/counting/summary.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/values/input_note.h"

namespace inlay::analysis {

enum class CountMode {
  kRecords,          // all records are one set; a series of snapshots is read as one
  kInOrder,          // the records are in order of time
  kSnapshotFiles,    // each file is a snapshot
  kSnapshotColumns,  // rows with the same text in CountOptions::snapshot_column are a snapshot
};

struct CountOptions {
  CountMode mode = CountMode::kRecords;
  std::string snapshot_column = {};  // kSnapshotColumns only
  size_t threads = 1;
  size_t budget_bytes = BoundedCounter::kUnbounded;
};

struct CountedInput {
  Summary summary;                            // of snapshots, the last one
  std::vector<InputNote> notes = {};          // also those of `summary`
  std::vector<GrowthPoint> input_order = {};  // kInOrder only
  std::vector<Snapshot> snapshots = {};       // two or more, or none
};

// Watches the reading of one source after the other.
class CountObserver {
 public:
  virtual ~CountObserver() = default;
  // Reading of `source` starts now and ends at Finished(). `total_bytes` is 0 if unknown.
  virtual void Started(const RecordSource& source, uint64_t total_bytes) = 0;
  virtual void Finished() = 0;
};

// Fails if a reader fails, and for options that do not fit the input. `observer` may be null.
// REQUIRES: no file has been taken from `inputs`.
absl::StatusOr<CountedInput> CountInput(Inputs inputs, const RecordOptions& records,
                                        const CountOptions& options,
                                        CountObserver* observer = nullptr);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_COUNT_INPUT_H_
