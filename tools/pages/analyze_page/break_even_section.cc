#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/pages/analyze_page/break_evens.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::LayoutCost;
using analysis::LayoutInput;
using analysis::Report;
using numbers::Grouped;
using numbers::Percent;
using page::Text;

// With fewer sockets a curve over distinct values is meaningless.
constexpr uint64_t kFewestSockets = 16;

std::vector<page::LineChart::Line> Curves(const LayoutInput& input) {
  std::vector<page::LineChart::Line> lines;
  for (const uint64_t distinct : DistinctSteps(input.sockets)) {
    const std::vector<LayoutCost> costs = LayoutCosts(WithDistinct(input, distinct));
    lines.resize(costs.size());
    for (size_t i = 0; i < costs.size(); ++i) {
      lines[i].series = std::string(costs[i].name);
      lines[i].label = std::string(costs[i].name);
      lines[i].computed = true;
      lines[i].points.push_back({.x = static_cast<double>(distinct),
                                 .y = costs[i].bytes_per_socket,
                                 .value_text = numbers::BytesPerSocket(costs[i].bytes_per_socket)});
    }
  }
  return lines;
}

std::string FromWhere(const BreakEven& found, uint64_t sockets) {
  if (!found.distinct.has_value()) return "never";
  return absl::StrCat(Grouped(*found.distinct), " (", Percent(*found.distinct, sockets), ")");
}

// The distance to a break-even: how much the values may grow, or that they have passed it.
std::string Room(const BreakEven& found, uint64_t distinct) {
  if (!found.distinct.has_value()) return "index takes less, even if all sockets differ";
  if (*found.distinct <= distinct) return "passed: index takes no less";
  const double times = static_cast<double>(*found.distinct) / static_cast<double>(distinct);
  return absl::StrCat(numbers::GroupedDecimal(times, times < 10 ? 1 : 0),
                      " times the values of this data");
}

page::Figure Comparison(const Report& report) {
  const LayoutInput& input = report.layout_input;
  page::Figure figure{
      .title = absl::StrCat(
          "Bytes per socket against the number of distinct values: ", Grouped(input.sockets),
          " sockets, values of ", Grouped(input.value_bytes), " bytes")};
  page::LineChart chart;
  chart.x = {.title = "distinct values", .logarithmic = true, .round_ticks = true};
  chart.y = {.title = "bytes per socket", .logarithmic = true};
  chart.lines = Curves(input);
  chart.marks.push_back({.x = static_cast<double>(input.distinct),
                         .series = "data",
                         .label = "this data: " + Grouped(input.distinct)});
  chart.description = absl::StrCat(
      "Bytes per socket of each layout from 1 distinct value to as many as sockets; this data has ",
      Grouped(input.distinct));
  figure.table.columns = {{"index takes no less than", false}, {"from"}, {"", false}};
  std::vector<BreakEven> found = BreakEvens(input);
  std::stable_sort(found.begin(), found.end(), [](const BreakEven& a, const BreakEven& b) {
    return a.distinct.value_or(UINT64_MAX) < b.distinct.value_or(UINT64_MAX);
  });
  for (const BreakEven& even : found) {
    const std::string name(even.layout);
    figure.table.rows.push_back(
        {.series = name,
         .cells = {name, FromWhere(even, input.sockets), Room(even, input.distinct)}});
    if (!even.distinct.has_value()) continue;
    absl::StrAppend(&chart.description, "; index takes no less than ", name, " from ",
                    Grouped(*even.distinct), " on");
    chart.marks.push_back(
        {.x = static_cast<double>(*even.distinct),
         .series = name,
         .label = absl::StrCat("as much as ", name, ": ", Grouped(*even.distinct))});
  }
  figure.chart = std::move(chart);
  return figure;
}

}  // namespace

std::optional<page::Section> BreakEvenSection(const Report& report) {
  const LayoutInput& input = report.layout_input;
  if (input.sockets < kFewestSockets || input.value_bytes == 0) return std::nullopt;
  page::Section section{.id = "break-even", .title = "Where sharing stops paying"};
  section.blocks.emplace_back(page::Paragraph{
      "The more values differ, the more the table of them costs. Where a layout's break-even is "
      "passed, the index takes no fewer bytes than that layout. The curves keep the sockets and "
      "the value size of this data, and change only how many values are distinct."});
  page::Figure figure = Comparison(report);
  figure.chart_notes.push_back("Dotted: the place of this data, and the break-evens.");
  figure.notes.push_back("In parentheses: the share of the sockets.");
  if (input.sockets > analysis::IndexCapacity(analysis::kMaxIndexBits)) {
    figure.notes.push_back(absl::StrCat(
        "Past ", Grouped(analysis::IndexCapacity(analysis::kMaxIndexBits)),
        " values, which is what the widest index names, the others are kept privately at the cost "
        "of pointer; the curves suppose there that all values are equally frequent."));
  }
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::analyze_page
