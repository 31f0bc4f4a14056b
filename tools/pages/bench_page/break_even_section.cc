#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using page::Text;

// A measured break-even: from this number of distinct values on, index takes at least as much.
std::optional<double> DistinctValues(const Point& point) {
  return point.counter("distinct_values");
}

std::string DistinctText(const Point* point) {
  if (point == nullptr) return numbers::kNoNumber;
  const std::optional<double> values = DistinctValues(*point);
  if (!values.has_value()) return numbers::kNoNumber;
  const std::optional<int64_t> sockets = point->name.argument("sockets");
  if (sockets.has_value() && *values > static_cast<double>(*sockets)) return "never";
  std::string text = numbers::GroupedSigned(std::llround(*values));
  if (sockets.value_or(0) > 0) {
    text += " (" + numbers::PercentOf(*values / static_cast<double>(*sockets)) + " of the sockets)";
  }
  return text;
}

// The points from which other layouts take less than index, in a chart of these sockets and value
// bytes.
std::vector<page::LineChart::Mark> MarksFor(const std::vector<const Point*>& break_evens,
                                            const Arguments& sizes) {
  std::vector<page::LineChart::Mark> marks;
  for (const Point* const point : break_evens) {
    if (point->name.arguments != sizes) continue;
    const std::optional<double> values = DistinctValues(*point);
    const std::optional<int64_t> sockets = point->name.argument("sockets");
    if (!values.has_value() || *values <= 0) continue;
    if (sockets.has_value() && *values > static_cast<double>(*sockets)) continue;
    marks.push_back({.x = *values,
                     .series = point->name.contender,
                     .label = absl::StrCat(point->name.contender, ": ",
                                           numbers::GroupedSigned(std::llround(*values)))});
  }
  return marks;
}

page::Figure FoundBreakEvens(const std::vector<const Point*>& points) {
  page::Figure figure{.title = "Distinct values from which index takes no less memory than ...",
                      .commands = CommandsOf(points)};
  const std::vector<std::string> others = ContendersOf(points);
  figure.table.columns.push_back({"", false});
  for (const std::string& other : others) figure.table.columns.push_back({Text::OfCode(other)});
  std::vector<Arguments> sizes;
  for (const Point* const point : points) {
    if (std::find(sizes.begin(), sizes.end(), point->name.arguments) == sizes.end()) {
      sizes.push_back(point->name.arguments);
    }
  }
  for (const Arguments& arguments : sizes) {
    page::Table::Row row{.cells = {DescribeSizes(arguments)}};
    for (const std::string& other : others) {
      const auto found = std::find_if(points.begin(), points.end(), [&](const Point* point) {
        return point->name.contender == other && point->name.arguments == arguments;
      });
      row.cells.emplace_back(DistinctText(found == points.end() ? nullptr : *found));
    }
    figure.table.rows.push_back(std::move(row));
  }
  return figure;
}

}  // namespace

std::optional<page::Section> BreakEvenSection(const Measured& measured) {
  page::Section section{.id = "break-even", .title = "From which point on it does not pay"};
  const std::vector<const Point*> break_evens = measured.results.PointsOf("BreakEven");
  constexpr size_t kLeastValues = 3;
  for (const Sweep& sweep :
       SweepsOver(measured.results, "Memory", "", "values", measured.base, kLeastValues)) {
    std::vector<std::string> contenders;
    for (const char* const contender : {"inline", "shared_pointer", "index"}) {
      const bool there =
          std::any_of(sweep.points.begin(), sweep.points.end(),
                      [&](const Point* point) { return point->name.contender == contender; });
      if (there) contenders.emplace_back(contender);
    }
    if (contenders.size() < 2) continue;
    page::Figure figure = SweepFigure(
        "Bytes per socket against the number of distinct values: " + DescribeSizes(sweep.others),
        sweep,
        {.drawn = contenders,
         .listed = contenders,
         .x_title = "distinct values",
         .quantity = CounterQuantity("bytes per socket", "bytes_per_socket", numbers::ThreeDigits),
         .logarithmic_y = true});
    if (figure.chart.has_value()) {
      auto& chart = std::get<page::LineChart>(*figure.chart);
      chart.marks = MarksFor(break_evens, sweep.others);
      if (!chart.marks.empty()) {
        figure.notes.push_back("Dotted: from there on, index takes no less than that layout.");
      }
    }
    section.blocks.emplace_back(std::move(figure));
  }
  if (!break_evens.empty()) section.blocks.emplace_back(FoundBreakEvens(break_evens));
  if (section.blocks.empty()) return std::nullopt;
  section.blocks.insert(
      section.blocks.begin(),
      page::Paragraph{
          "A table of values pays as long as sockets share them. The more values differ, the "
          "more the table costs; past the break-even another layout takes no more."});
  return section;
}

}  // namespace inlay::bench_page
