#include "tools/analysis/counting/count_input.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/counting/read_summaries.h"
#include "tools/analysis/counting/snapshot_column.h"
#include "tools/analysis/counting/snapshot_series.h"
#include "tools/analysis/counting/unprinted_bytes.h"

namespace inlay::analysis {
namespace {

// Whether the options leave the values undescribed.
bool IsDefault(const RecordOptions& records) {
  return records.format == RecordFormat::kDetect && !records.value_bytes.has_value() &&
         records.fields.empty() && records.btf_path.empty() && records.type.empty() &&
         records.columns.empty() && !records.header.has_value() && !records.delimiter.has_value() &&
         !records.blank_runs && !records.no_quotes && !records.map_id.has_value();
}

absl::Status CheckSummaryOptions(const std::string& name, const RecordOptions& records,
                                 CountMode mode) {
  if (!IsDefault(records)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": is a summary: the options for reading records do not apply, ",
                     "because its records were read when it was written"));
  }
  if (mode == CountMode::kInOrder || mode == CountMode::kSnapshotColumns) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": is a summary, which knows neither the order of the records nor columns that are ",
        "no part of the value; --snapshots takes one summary for each snapshot"));
  }
  return absl::OkStatus();
}

// Tells the observer, if any, about a source while this object lives.
class Observed {
 public:
  Observed(CountObserver* observer, const RecordSource& source, uint64_t total_bytes)
      : observer_(observer) {
    if (observer_ != nullptr) observer_->Started(source, total_bytes);
  }
  ~Observed() {
    if (observer_ != nullptr) observer_->Finished();
  }
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

 private:
  CountObserver* const observer_;
};

// Counts the input part by part: each part is a snapshot, and most inputs have one part.
class InputCount {
 public:
  InputCount(const RecordOptions& records, const CountOptions& options, CountObserver* observer)
      : records_(records), options_(options), observer_(observer) {
    records_.dump_budget_bytes = options.budget_bytes;
    records_.counted = options.mode != CountMode::kInOrder;
  }

  absl::Status Add(Inputs inputs) {
    if (inputs.are_summaries()) return AddSummaries(std::move(inputs));
    if (options_.mode == CountMode::kSnapshotColumns) return AddByColumn(std::move(inputs));
    return AddRecords(std::move(inputs));
  }

  absl::StatusOr<CountedInput> Finish() && {
    const std::vector<Snapshot>& snapshots = series_.snapshots();
    const bool needs_two =
        options_.mode == CountMode::kSnapshotFiles || options_.mode == CountMode::kSnapshotColumns;
    if (needs_two && snapshots.size() < 2) {
      return absl::InvalidArgumentError(absl::StrCat(
          options_.mode == CountMode::kSnapshotFiles ? "--snapshots" : "--snapshot-column",
          " needs two snapshots or more, and there is only '", snapshots[0].name, "'"));
    }
    CountedInput input = {.summary = std::move(series_.last()),
                          .notes = std::move(notes_),
                          .input_order = std::move(points_)};
    for (const InputNote& note : input.notes) input.summary.notes.Add(note);
    if (more_notes_) input.notes.push_back({"Parts of the data have more notes than these."});
    if (snapshots.size() < 2) return input;
    InputNote of_last;
    of_last.text = absl::StrCat("All figures but those of growth are of the last of ",
                                snapshots.size(), " snapshots, '", snapshots.back().name, "'.");
    input.notes.push_back(std::move(of_last));
    std::rotate(input.notes.begin(), input.notes.end() - 1, input.notes.end());
    input.snapshots = snapshots;
    return input;
  }

 private:
  absl::Status AddSummaries(Inputs inputs) {
    const std::string name = inputs.first_name();
    absl::Status fits = CheckSummaryOptions(name, records_, options_.mode);
    if (!fits.ok()) return fits;
    absl::StatusOr<Summary> sum = ReadSummaries(std::move(inputs), options_.budget_bytes);
    if (!sum.ok()) return sum.status();
    if (options_.mode == CountMode::kSnapshotFiles && !sum->distinct.exact() &&
        options_.budget_bytes == BoundedCounter::kUnbounded) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": is the summary of a sample, written with --memory; a sample ",
                       "does not tell which values appeared"));
    }
    for (const InputNote& note : sum->notes.notes()) AddNote(note);
    more_notes_ |= sum->notes.more();
    return series_.Add(name, *std::move(sum));
  }

  absl::Status AddByColumn(Inputs inputs) {
    const uint64_t total_bytes = inputs.total_bytes();
    absl::StatusOr<SnapshotColumn> rows =
        SnapshotColumn::Open(std::move(inputs), records_, options_.snapshot_column);
    if (!rows.ok()) return rows.status();
    {
      const Observed observed(observer_, rows->source(), total_bytes);
      absl::Status added = rows->AddTo(&series_, options_.threads, options_.budget_bytes);
      if (!added.ok()) return added;
    }
    for (const InputNote& note : rows->source().Notes(UINT64_MAX)) AddNote(note);
    return absl::OkStatus();
  }

  absl::Status AddRecords(Inputs inputs) {
    const std::string name = inputs.first_name();
    const uint64_t total_bytes = inputs.total_bytes();
    absl::StatusOr<std::unique_ptr<RecordSource>> opened = OpenRecords(std::move(inputs), records_);
    if (!opened.ok()) return opened.status();
    RecordSource& source = **opened;
    if (options_.mode == CountMode::kInOrder && !source.SnapshotName().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": is a series of snapshots, to which --in-order does not apply"));
    }
    {
      const Observed observed(observer_, source, total_bytes);
      absl::Status added = AddSnapshotsOf(name, source);
      if (!added.ok()) return added;
    }
    // A sample does not have the number of distinct values.
    const DistinctValues& last = series_.last().distinct;
    const uint64_t known = last.exact() ? last.values().size() : UINT64_MAX;
    for (const InputNote& note : source.Notes(known)) AddNote(note);
    if (const auto note = UnprintedBytesNote(source.schema(), last)) AddNote(*note);
    return absl::OkStatus();
  }

  // `name` is that of the only snapshot, if `source` is no series.
  absl::Status AddSnapshotsOf(const std::string& name, RecordSource& source) {
    for (;;) {
      const std::string own_name = source.SnapshotName();
      absl::StatusOr<DistinctValues> distinct =
          options_.mode == CountMode::kInOrder
              ? CountDistinctInOrder(source, options_.threads, options_.budget_bytes, &points_)
              : CountDistinct(source, options_.threads, options_.budget_bytes);
      const bool is_snapshot = !own_name.empty() || options_.mode == CountMode::kSnapshotFiles;
      if (is_snapshot && absl::IsNotFound(distinct.status())) {
        return absl::InvalidArgumentError(
            absl::StrCat(own_name.empty() ? name : own_name, ": the snapshot has no record"));
      }
      if (!distinct.ok()) return distinct.status();
      absl::Status added =
          series_.Add(own_name.empty() ? name : own_name, {source.schema(), *std::move(distinct)});
      if (!added.ok()) return added;
      absl::StatusOr<bool> more = source.NextSnapshot();
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
    }
  }

  // Each note once.
  void AddNote(const InputNote& note) {
    if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) notes_.push_back(note);
  }

  RecordOptions records_;
  const CountOptions& options_;
  CountObserver* const observer_;
  SnapshotSeries series_;
  std::vector<GrowthPoint> points_;
  std::vector<InputNote> notes_;
  bool more_notes_ = false;
};

}  // namespace

absl::StatusOr<CountedInput> CountInput(Inputs inputs, const RecordOptions& records,
                                        const CountOptions& options, CountObserver* observer) {
  InputCount count(records, options, observer);
  if (options.mode != CountMode::kSnapshotFiles) {
    absl::Status added = count.Add(std::move(inputs));
    if (!added.ok()) return added;
    return std::move(count).Finish();
  }
  for (;;) {
    absl::StatusOr<std::optional<Inputs>> file = inputs.TakeAlone();
    if (!file.ok()) return file.status();
    if (!file->has_value()) return std::move(count).Finish();
    absl::Status added = count.Add(**std::move(file));
    if (!added.ok()) return added;
  }
}

}  // namespace inlay::analysis
