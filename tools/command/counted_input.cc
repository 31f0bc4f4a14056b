#include "tools/command/counted_input.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/counting/snapshot_column.h"
#include "tools/analysis/counting/snapshot_series.h"
#include "tools/command/progress_bar.h"
#include "tools/command/summary_files.h"

namespace inlay {
namespace {

// Shows how much of `paths` has been read from `source`, which must live longer.
std::unique_ptr<ProgressBar> ShowProgress(const analysis::RecordSource& source,
                                          const std::vector<std::string>& paths) {
  return std::make_unique<ProgressBar>([&source] { return source.bytes_read(); },
                                       analysis::TotalBytes(paths));
}

// Nothing is said of what the values are.
bool IsDefault(const analysis::RecordOptions& records) {
  return records.format == analysis::RecordFormat::kDetect && !records.value_bytes.has_value() &&
         records.fields.empty() && records.btf_path.empty() && records.type.empty() &&
         records.columns.empty() && !records.header.has_value() && !records.delimiter.has_value() &&
         !records.map_id.has_value();
}

absl::Status CheckSummaryOptions(const std::string& name, const analysis::RecordOptions& records,
                                 const CountOptions& options) {
  if (!IsDefault(records)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": is a summary; what its values are was decided when it was written, ",
                     "so the options that say how to read records do not apply"));
  }
  if (options.in_order || !options.snapshot_column.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": is a summary, which knows neither the order of the records nor columns that are ",
        "no part of the value; --snapshots takes one summary for each snapshot"));
  }
  return absl::OkStatus();
}

// Fails if one of the files behind the first is a summary and the first is none, or the other way round. What can be
// read only once is not looked at.
absl::Status CheckKinds(const std::vector<std::string>& paths, bool first_is_summary) {
  for (size_t i = 1; i < paths.size(); ++i) {
    if (paths[i] == "-") continue;
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(paths[i], ignored)) continue;
    absl::StatusOr<analysis::InputFile> file = analysis::InputFile::Open(paths[i]);
    if (!file.ok()) continue;  // whoever reads it says why
    const absl::StatusOr<bool> is_summary = StartsAsSummary(&*file);
    if (!is_summary.ok() || *is_summary == first_is_summary) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(paths[*is_summary ? i : 0], ": is a summary, and ", paths[*is_summary ? 0 : i],
                     " is none; give files of records, or summaries, but not both"));
  }
  return absl::OkStatus();
}

// The notes of a summary, in the order in which they are to be said.
std::vector<analysis::InputNote> NotesOf(const analysis::Summary& summary) {
  std::vector<analysis::InputNote> notes(summary.notes.notes().begin(),
                                         summary.notes.notes().end());
  if (summary.notes.more()) notes.push_back({"Parts of the data have more notes than these."});
  return notes;
}

// What `series` has, for the report.
absl::StatusOr<CountedInput> Finish(analysis::SnapshotSeries series,
                                    std::vector<analysis::InputNote> notes) {
  const std::vector<analysis::Snapshot>& snapshots = series.snapshots();
  CountedInput input = {.summary = std::move(series.last()), .notes = std::move(notes)};
  for (const analysis::InputNote& note : input.notes) input.summary.notes.Add(note);
  if (snapshots.size() < 2) return input;
  input.notes.insert(
      input.notes.begin(),
      {absl::StrCat("All figures but those of growth are of the last of ", snapshots.size(),
                    " snapshots, '", snapshots.back().name, "'.")});
  input.snapshots = snapshots;
  return input;
}

absl::Status NeedTwo(const analysis::SnapshotSeries& series, const std::string& option) {
  return series.snapshots().size() >= 2
             ? absl::OkStatus()
             : absl::InvalidArgumentError(
                   absl::StrCat(option, " needs two snapshots or more, and there is only '",
                                series.snapshots()[0].name, "'"));
}

uint64_t DistinctOfLast(analysis::SnapshotSeries& series) {
  return series.last().distinct.values().size();
}

// `first` is paths[0], which is a summary if `of_summaries`, and so are all others then.
absl::StatusOr<CountedInput> CountFilesAsSnapshots(const std::vector<std::string>& paths,
                                                   std::optional<analysis::InputFile> first,
                                                   bool of_summaries,
                                                   const analysis::RecordOptions& records,
                                                   size_t threads, size_t budget_bytes) {
  analysis::SnapshotSeries series;
  std::vector<analysis::InputNote> notes;  // of all, each once
  const auto add_notes = [&notes](const std::vector<analysis::InputNote>& more) {
    for (const analysis::InputNote& note : more) {
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
    }
  };
  for (const std::string& path : paths) {
    const std::string name = path == "-" ? "standard input" : path;
    const std::vector<std::string> one = {path};
    std::optional<analysis::InputFile> file = std::exchange(first, std::nullopt);
    if (of_summaries) {
      absl::StatusOr<analysis::Summary> summary = ReadSummaries(one, budget_bytes, std::move(file));
      if (!summary.ok()) return summary.status();
      if (!summary->distinct.exact() && budget_bytes == analysis::BoundedCounter::kUnbounded) {
        return absl::InvalidArgumentError(absl::StrCat(
            name, ": is the summary of a sample, written with --memory; of samples it ",
            "is not known which values appeared"));
      }
      add_notes(NotesOf(*summary));
      const absl::Status added = series.Add(name, *std::move(summary));
      if (!added.ok()) return added;
      continue;
    }
    absl::StatusOr<std::unique_ptr<analysis::RecordSource>> source =
        analysis::OpenRecords(one, records, std::move(file));
    if (!source.ok()) return source.status();
    const auto progress = ShowProgress(**source, one);
    const absl::Status added = series.AddAll(name, **source, threads, budget_bytes);
    if (!added.ok()) return added;
    add_notes((*source)->Notes(DistinctOfLast(series)));
  }
  const absl::Status enough = NeedTwo(series, "--snapshots");
  if (!enough.ok()) return enough;
  return Finish(std::move(series), std::move(notes));
}

absl::StatusOr<CountedInput> CountBySnapshotColumn(const std::vector<std::string>& paths,
                                                   std::optional<analysis::InputFile> first,
                                                   const analysis::RecordOptions& records,
                                                   const std::string& column, size_t threads,
                                                   size_t budget_bytes) {
  absl::StatusOr<analysis::SnapshotColumn> rows =
      analysis::SnapshotColumn::Open(paths, records, column, std::move(first));
  if (!rows.ok()) return rows.status();
  analysis::SnapshotSeries series;
  {
    const auto progress = ShowProgress(rows->source(), paths);
    const absl::Status added = rows->AddTo(&series, threads, budget_bytes);
    if (!added.ok()) return added;
  }
  const absl::Status enough = NeedTwo(series, "--snapshot-column");
  if (!enough.ok()) return enough;
  return Finish(std::move(series), rows->source().Notes(UINT64_MAX));
}

absl::StatusOr<CountedInput> CountRecords(const std::vector<std::string>& paths,
                                          std::optional<analysis::InputFile> first,
                                          const analysis::RecordOptions& records, bool in_order,
                                          size_t threads, size_t budget_bytes) {
  absl::StatusOr<std::unique_ptr<analysis::RecordSource>> opened =
      analysis::OpenRecords(paths, records, std::move(first));
  if (!opened.ok()) return opened.status();
  analysis::RecordSource& source = **opened;
  auto progress = ShowProgress(source, paths);
  if (!source.SnapshotName().empty()) {
    if (in_order) {
      return absl::InvalidArgumentError(
          absl::StrCat(paths[0], ": is a series of snapshots, to which --in-order does not apply"));
    }
    analysis::SnapshotSeries series;
    const absl::Status added = series.AddAll(paths[0], source, threads, budget_bytes);
    if (!added.ok()) return added;
    progress.reset();  // before anything else is printed
    std::vector<analysis::InputNote> notes = source.Notes(DistinctOfLast(series));
    return Finish(std::move(series), std::move(notes));
  }
  std::vector<analysis::GrowthPoint> points;
  absl::StatusOr<analysis::DistinctValues> distinct =
      in_order ? analysis::CountDistinctInOrder(source, threads, budget_bytes, &points)
               : analysis::CountDistinct(source, threads, budget_bytes);
  progress.reset();
  if (!distinct.ok()) return distinct.status();
  // Of a sample it is not known how many values are distinct.
  const uint64_t known = distinct->exact() ? distinct->values().size() : UINT64_MAX;
  CountedInput input = {.summary = {source.schema(), *std::move(distinct)},
                        .notes = source.Notes(known),
                        .input_order = std::move(points)};
  for (const analysis::InputNote& note : input.notes) input.summary.notes.Add(note);
  return input;
}

}  // namespace

absl::StatusOr<CountedInput> CountInput(const std::vector<std::string>& paths,
                                        const analysis::RecordOptions& record_options,
                                        const CountOptions& options, size_t threads,
                                        size_t budget_bytes) {
  std::optional<analysis::InputFile> first;
  bool is_summary = false;
  if (absl::StatusOr<analysis::InputFile> opened = analysis::InputFile::Open(paths[0]);
      opened.ok()) {
    absl::StatusOr<bool> starts_as_summary = StartsAsSummary(&*opened);
    if (!starts_as_summary.ok()) return starts_as_summary.status();
    is_summary = *starts_as_summary;
    first = *std::move(opened);
    const absl::Status same_kind = CheckKinds(paths, is_summary);
    if (!same_kind.ok()) return same_kind;
  }
  if (is_summary) {
    const absl::Status fits = CheckSummaryOptions(first->name(), record_options, options);
    if (!fits.ok()) return fits;
  }
  analysis::RecordOptions records = record_options;
  // Nothing is computed on fields yet.
  records.dump_budget_bytes = budget_bytes;
  if (options.snapshots) {
    return CountFilesAsSnapshots(paths, std::move(first), is_summary, records, threads,
                                 budget_bytes);
  }
  if (is_summary) {
    absl::StatusOr<analysis::Summary> sum = ReadSummaries(paths, budget_bytes, std::move(first));
    if (!sum.ok()) return sum.status();
    std::vector<analysis::InputNote> notes = NotesOf(*sum);
    return CountedInput{.summary = *std::move(sum), .notes = std::move(notes)};
  }
  if (!options.snapshot_column.empty()) {
    return CountBySnapshotColumn(paths, std::move(first), records, options.snapshot_column, threads,
                                 budget_bytes);
  }
  return CountRecords(paths, std::move(first), records, options.in_order, threads, budget_bytes);
}

}  // namespace inlay
