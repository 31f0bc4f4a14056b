// Counts what `inlay analyze` is given: records, summaries, or snapshots, with a progress bar.

#ifndef INLAY_TOOLS_COMMAND_COUNTED_INPUT_H_
#define INLAY_TOOLS_COMMAND_COUNTED_INPUT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/counting/summary.h"
#include "tools/analysis/growth/growth.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay {

struct CountOptions {
  bool in_order = false;        // the records are in order of time
  bool snapshots = false;       // each file is a snapshot
  std::string snapshot_column;  // tells snapshots apart; empty: not given
};

struct CountedInput {
  analysis::Summary summary;  // of snapshots, the last one
  std::vector<analysis::InputNote> notes = {};
  std::vector<analysis::GrowthPoint> input_order = {};  // in_order only
  std::vector<analysis::Snapshot> snapshots = {};       // two or more, or none
};

// Fails for what the readers fail for, and for options that do not fit the input. REQUIRES: at least one path, and
// one of the options at most.
absl::StatusOr<CountedInput> CountInput(const std::vector<std::string>& paths,
                                        const analysis::RecordOptions& records,
                                        const CountOptions& options, size_t threads,
                                        size_t budget_bytes);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_COUNTED_INPUT_H_
