// SnapshotSeries: snapshots of the same sockets, one after the other, and what changed between them.
//
// Keeps the values of the last snapshot and one copy of every value so far. Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_SERIES_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_SERIES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/analysis/counting/snapshot.h"
#include "tools/analysis/counting/summary.h"
#include "tools/analysis/values/record_source.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {

class SnapshotSeries {
 public:
  // Adds the next snapshot. Fails, and names it, if its values are not of the kind of those before, or if they are
  // a sample: of samples it is not known which values appeared.
  absl::Status Add(const std::string& name, Summary&& snapshot);

  // Adds every snapshot that `source` is a series of, counted with `threads` threads within `budget_bytes`.
  // `names` them, if the source does not.
  absl::Status AddAll(const std::string& name, RecordSource& source, size_t threads,
                      size_t budget_bytes);

  const std::vector<Snapshot>& snapshots() const { return snapshots_; }
  // REQUIRES: there is one.
  Summary& last() { return *last_; }

 private:
  std::vector<Snapshot> snapshots_;
  std::optional<Summary> last_;
  ValueCounter so_far_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_SERIES_H_
