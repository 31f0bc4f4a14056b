#include "tools/counted_input.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/input_file.h"
#include "tools/analysis/snapshot_column.h"
#include "tools/analysis/snapshot_series.h"
#include "tools/progress_bar.h"
#include "tools/summary_files.h"

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

absl::Status CheckSummaryOptions(const std::string& path, const analysis::RecordOptions& records,
                                 const CountOptions& options) {
  if (!IsDefault(records)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is a summary; what its values are was decided when it was written, ",
                     "so the options that say how to read records do not apply"));
  }
  if (options.in_order || !options.snapshot_column.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": is a summary, which knows neither the order of the records nor columns that are ",
        "no part of the value; --snapshots takes one summary for each snapshot"));
  }
  return absl::OkStatus();
}

// What `series` has, for the report.
absl::StatusOr<CountedInput> Finish(analysis::SnapshotSeries series,
                                    std::vector<std::string> notes) {
  const std::vector<analysis::Snapshot>& snapshots = series.snapshots();
  CountedInput input = {.summary = std::move(series.last()), .notes = std::move(notes)};
  if (snapshots.size() < 2) return input;
  input.notes.insert(input.notes.begin(),
                     absl::StrCat("All figures but those of growth are of the last of ",
                                  snapshots.size(), " snapshots, '", snapshots.back().name, "'."));
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

absl::StatusOr<CountedInput> CountFilesAsSnapshots(const std::vector<std::string>& paths,
                                                   const analysis::RecordOptions& records,
                                                   size_t threads, size_t budget_bytes) {
  analysis::SnapshotSeries series;
  std::vector<std::string> notes;
  for (const std::string& path : paths) {
    const std::vector<std::string> one = {path};
    if (StartsAsSummary(path)) {
      absl::StatusOr<analysis::Summary> summary = ReadSummaries(one, budget_bytes);
      if (!summary.ok()) return summary.status();
      const absl::Status added = series.Add(path, *std::move(summary));
      if (!added.ok()) return added;
      notes.clear();
      continue;
    }
    absl::StatusOr<std::unique_ptr<analysis::RecordSource>> source =
        analysis::OpenRecords(one, records);
    if (!source.ok()) return source.status();
    const auto progress = ShowProgress(**source, one);
    const absl::Status added = series.AddAll(path, **source, threads, budget_bytes);
    if (!added.ok()) return added;
    notes = (*source)->Notes(DistinctOfLast(series));
  }
  const absl::Status enough = NeedTwo(series, "--snapshots");
  if (!enough.ok()) return enough;
  return Finish(std::move(series), std::move(notes));
}

absl::StatusOr<CountedInput> CountBySnapshotColumn(const std::vector<std::string>& paths,
                                                   const analysis::RecordOptions& records,
                                                   const std::string& column, size_t threads,
                                                   size_t budget_bytes) {
  absl::StatusOr<analysis::SnapshotColumn> rows =
      analysis::SnapshotColumn::Open(paths, records, column);
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

}  // namespace

absl::StatusOr<CountedInput> CountInput(const std::vector<std::string>& paths,
                                        const analysis::RecordOptions& records,
                                        const CountOptions& options, size_t threads,
                                        size_t budget_bytes) {
  if (StartsAsSummary(paths[0])) {
    const absl::Status fits = CheckSummaryOptions(paths[0], records, options);
    if (!fits.ok()) return fits;
    if (!options.snapshots) {
      absl::StatusOr<analysis::Summary> sum = ReadSummaries(paths, budget_bytes);
      if (!sum.ok()) return sum.status();
      return CountedInput{.summary = *std::move(sum)};
    }
  }
  if (!options.snapshot_column.empty()) {
    return CountBySnapshotColumn(paths, records, options.snapshot_column, threads, budget_bytes);
  }
  if (options.snapshots) return CountFilesAsSnapshots(paths, records, threads, budget_bytes);

  absl::StatusOr<std::unique_ptr<analysis::RecordSource>> opened =
      analysis::OpenRecords(paths, records);
  if (!opened.ok()) return opened.status();
  analysis::RecordSource& source = **opened;
  auto progress = ShowProgress(source, paths);
  if (!source.SnapshotName().empty()) {
    if (options.in_order) {
      return absl::InvalidArgumentError(
          absl::StrCat(paths[0], ": is a series of snapshots, to which --in-order does not apply"));
    }
    analysis::SnapshotSeries series;
    const absl::Status added = series.AddAll(paths[0], source, threads, budget_bytes);
    if (!added.ok()) return added;
    progress.reset();  // before anything else is printed
    std::vector<std::string> notes = source.Notes(DistinctOfLast(series));
    return Finish(std::move(series), std::move(notes));
  }
  std::vector<analysis::GrowthPoint> points;
  absl::StatusOr<analysis::DistinctValues> distinct =
      options.in_order ? analysis::CountDistinctInOrder(source, threads, budget_bytes, &points)
                       : analysis::CountDistinct(source, threads, budget_bytes);
  progress.reset();
  if (!distinct.ok()) return distinct.status();
  // Of a sample it is not known how many values are distinct.
  const uint64_t known = distinct->exact() ? distinct->values().size() : UINT64_MAX;
  return CountedInput{.summary = {source.schema(), *std::move(distinct)},
                      .notes = source.Notes(known),
                      .input_order = std::move(points)};
}

}  // namespace inlay
