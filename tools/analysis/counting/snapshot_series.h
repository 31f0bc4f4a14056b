// SnapshotSeries: snapshots of the same sockets, one after the other, and the changes between them.
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
  // Adds the next snapshot. Fails, naming the snapshot, if its values differ in kind from those
  // before, or if there are several snapshots and one of them is a sample: samples do not tell
  // which values appeared.
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
