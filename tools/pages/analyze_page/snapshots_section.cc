#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/growth/growth.h"
#include "tools/analysis/report/growth_words.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::Snapshot;
using numbers::Grouped;

// The table thins out more snapshots than these, and keeps the first and the last.
constexpr size_t kMaxListedSnapshots = 60;

std::vector<size_t> Thinned(size_t snapshots) {
  std::vector<size_t> listed;
  for (size_t i = 0; i < std::min(snapshots, kMaxListedSnapshots); ++i) {
    listed.push_back(
        snapshots <= kMaxListedSnapshots ? i : i * (snapshots - 1) / (kMaxListedSnapshots - 1));
  }
  return listed;
}

}  // namespace

std::optional<page::Section> SnapshotsSection(const analysis::Report& report) {
  const std::vector<Snapshot>& snapshots = report.growth.snapshots;
  if (snapshots.empty()) return std::nullopt;
  page::Section section{.id = "snapshots", .title = "From snapshot to snapshot"};
  section.blocks.emplace_back(page::Paragraph{
      "The data is a series of snapshots of the same sockets. Appeared: distinct values that the "
      "snapshot before "
      "did not have. Disappeared: those that it had and this one has not. What churns needs an "
      "entry in the "
      "table for each new value, and leaves one behind until the table lets it go."});
  page::Figure figure{.title = "Distinct values of each snapshot"};
  page::LineChart chart;
  chart.description = "Distinct values of each snapshot, and of all so far";
  chart.x = {.title = "snapshot"};
  chart.y = {.title = "distinct values"};
  page::LineChart::Line each{.series = "values", .label = "in it"};
  page::LineChart::Line so_far{.series = "records", .label = "so far"};
  figure.table.columns = {{"snapshot", false}, {"records"},     {"distinct"},
                          {"appeared"},        {"disappeared"}, {"distinct so far"}};
  for (const size_t i : Thinned(snapshots.size())) {
    const Snapshot& snapshot = snapshots[i];
    const auto number = static_cast<double>(i + 1);
    each.points.push_back({.x = number,
                           .y = static_cast<double>(snapshot.distinct),
                           .value_text = Grouped(snapshot.distinct)});
    so_far.points.push_back({.x = number,
                             .y = static_cast<double>(snapshot.distinct_so_far),
                             .value_text = Grouped(snapshot.distinct_so_far)});
    figure.table.rows.push_back(
        {.cells = {absl::StrCat(i + 1, ": ", analysis::PrintableFieldName(snapshot.name)),
                   Grouped(snapshot.records), Grouped(snapshot.distinct),
                   i == 0 ? "-" : Grouped(snapshot.appeared),
                   i == 0 ? "-" : Grouped(snapshot.disappeared),
                   Grouped(snapshot.distinct_so_far)}});
  }
  chart.lines = {std::move(each), std::move(so_far)};
  figure.chart = std::move(chart);
  figure.notes.push_back(analysis::ChurnWords(report.growth));
  if (snapshots.size() > kMaxListedSnapshots) {
    figure.notes.push_back(absl::StrCat(kMaxListedSnapshots, " of ", Grouped(snapshots.size()),
                                        " snapshots, evenly spread; --json has them all."));
  }
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::analyze_page
