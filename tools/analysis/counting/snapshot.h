// Snapshot: the counts of one of several snapshots of the same sockets.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_H_

#include <cstdint>
#include <string>

namespace inlay::analysis {

// One of several snapshots of the same sockets, and what changed since the one before it.
struct Snapshot {
  std::string name;  // the file, or the text of the snapshot column
  uint64_t records = 0;
  uint64_t distinct = 0;
  uint64_t appeared = 0;         // distinct values that were not in the snapshot before
  uint64_t disappeared = 0;      // distinct values of the snapshot before that are not in this one
  uint64_t distinct_so_far = 0;  // in this snapshot and all before it
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_H_
