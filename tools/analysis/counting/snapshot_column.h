// Tells snapshots in one stream of rows apart by the text of a column.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_COLUMN_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_COLUMN_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/counting/snapshot_series.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {

// The most different texts in the column; with more it is the wrong column.
inline constexpr size_t kMostSnapshots = 10'000;

class SnapshotColumn {
 public:
  // Opens `inputs` as OpenRecords() does. `column` is one column, as in --columns; the value has
  // the columns of options.columns, or all others if that is empty. Also fails for an input without
  // columns.
  static absl::StatusOr<SnapshotColumn> Open(Inputs inputs, RecordOptions options,
                                             const std::string& column);
  SnapshotColumn(SnapshotColumn&&) noexcept;
  SnapshotColumn& operator=(SnapshotColumn&&) noexcept;
  ~SnapshotColumn();

  // For progress and notes only; do not read it.
  const RecordSource& source() const;

  // Reads everything and adds the snapshots to `series`, in the order in which their texts first
  // appear. The rows of one snapshot may be anywhere. Keeps the values of all snapshots until it
  // adds them.
  absl::Status AddTo(SnapshotSeries* series, size_t threads, size_t budget_bytes);

 private:
  class LabelledRecords;
  explicit SnapshotColumn(std::unique_ptr<LabelledRecords> records);

  std::unique_ptr<LabelledRecords> records_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_COLUMN_H_
