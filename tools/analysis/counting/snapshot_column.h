// Tells snapshots in one stream of rows apart by what stands in a column.

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

// Different texts that the column may hold; more, and it is the wrong column.
inline constexpr size_t kMostSnapshots = 10'000;

class SnapshotColumn {
 public:
  // Opens `inputs` as OpenRecords() does. `column` is one, as in --columns; the value is made of
  // the columns of options.columns, or of all others if it is empty. Fails for input that has no
  // columns, too.
  static absl::StatusOr<SnapshotColumn> Open(Inputs inputs, RecordOptions options,
                                             const std::string& column);
  SnapshotColumn(SnapshotColumn&&) noexcept;
  SnapshotColumn& operator=(SnapshotColumn&&) noexcept;
  ~SnapshotColumn();

  // To watch and to ask for notes; not to read.
  const RecordSource& source() const;

  // Reads everything and adds the snapshots to `series`, in the order in which their texts first
  // appear. Rows of one snapshot need not follow each other. Keeps the values of all snapshots
  // until they are added.
  absl::Status AddTo(SnapshotSeries* series, size_t threads, size_t budget_bytes);

 private:
  class LabelledRecords;
  explicit SnapshotColumn(std::unique_ptr<LabelledRecords> records);

  std::unique_ptr<LabelledRecords> records_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_SNAPSHOT_COLUMN_H_
