// NotedRecords: a source with notes about how it was opened, besides its own.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_NOTED_RECORDS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_NOTED_RECORDS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// Thread-safe as the source inside is.
class NotedRecords final : public RecordSource {
 public:
  NotedRecords(std::unique_ptr<RecordSource> source, std::vector<InputNote> notes)
      : source_(std::move(source)), notes_(std::move(notes)) {
    schema_ = source_->schema();
  }

  absl::StatusOr<bool> Next(RecordBlock& block) override {
    absl::StatusOr<bool> more = source_->Next(block);
    bytes_read_.store(source_->bytes_read(), std::memory_order_relaxed);
    return more;
  }

  std::vector<InputNote> Notes(uint64_t distinct) const override {
    std::vector<InputNote> notes = notes_;
    for (InputNote& note : source_->Notes(distinct)) notes.push_back(std::move(note));
    return notes;
  }

  absl::StatusOr<bool> NextSnapshot() override { return source_->NextSnapshot(); }
  std::string SnapshotName() const override { return source_->SnapshotName(); }

 private:
  const std::unique_ptr<RecordSource> source_;
  const std::vector<InputNote> notes_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_NOTED_RECORDS_H_
