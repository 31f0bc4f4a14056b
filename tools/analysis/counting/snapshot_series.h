// SnapshotSeries: snapshots of the same sockets, one after the other, and what changed between
// them.
//
// Keeps the values of the last snapshot and, from the second one on, one copy of every value so
// far: a series of one costs nothing. Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_SERIES_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_SERIES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/analysis/counting/snapshot.h"
#include "tools/analysis/counting/summary.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {

class SnapshotSeries {
 public:
  // Adds the next snapshot. Fails, and names it, if its values are not of the kind of those
  // before, or if it is not the only one and the values of one are a sample: of samples it is
  // not known which values appeared.
  absl::Status Add(const std::string& name, Summary&& snapshot);

  const std::vector<Snapshot>& snapshots() const { return snapshots_; }
  // REQUIRES: there is one.
  Summary& last() { return *last_; }

 private:
  absl::Status Compare(const std::string& name, const Summary& snapshot);

  std::vector<Snapshot> snapshots_;
  std::optional<Summary> last_;
  ValueCounter so_far_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_SERIES_H_
