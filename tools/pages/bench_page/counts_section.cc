#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

struct CounterColumn {
  const char* counter;
  const char* title;
  int decimals;
};
constexpr CounterColumn kColumns[] = {
    {"instructions", "instructions", 1},
    {"d1_misses", "misses of the first-level cache", 2},
    {"ll_misses", "misses of the last-level cache", 2},
    {"own_lines", "lines of the socket's own", 2},
    {"shared_lines", "lines that sockets share", 2},
};

page::Figure OfOperation(const Group& group) {
  page::Figure figure{
      .title = "Per " + group.pattern + ", over the touch: " + DescribeSizes(group.arguments),
      .commands = CommandsOf(group.points)};
  figure.table.columns.push_back({"", false});
  std::vector<CounterColumn> columns;
  for (const CounterColumn& column : kColumns) {
    for (const Point* const point : group.points) {
      if (!point->counters.contains(column.counter)) continue;
      columns.push_back(column);
      figure.table.columns.push_back({column.title});
      break;
    }
  }
  std::vector<page::BarChart::Bar> bars;
  for (const Point* const point : group.points) {
    const std::string& contender = point->name.contender;
    page::Table::Row row{.series = contender, .cells = {contender}};
    for (const CounterColumn& column : columns) {
      const std::optional<double> value = point->counter(column.counter);
      row.cells.emplace_back(value.has_value() ? absl::StrFormat("%.*f", column.decimals, *value)
                                               : numbers::kNoNumber);
      if (value.has_value() && std::string(column.counter) == "d1_misses") {
        bars.push_back({.series = contender,
                        .label = contender,
                        .value = *value,
                        .value_text = row.cells.back().Words()});
      }
    }
    figure.table.rows.push_back(std::move(row));
  }
  figure.chart = ChartOf(figure.title, "misses of a simulated first-level cache", std::move(bars));
  return figure;
}

}  // namespace

std::optional<page::Section> CountsSection(const Measured& measured) {
  page::Section section{.id = "counts", .title = "Instructions and cache lines"};
  for (const char* const operation : {"get", "update"}) {
    const Group group = UsualGroup(measured.results, "Counts", operation, measured.base);
    if (!group.empty()) section.blocks.emplace_back(OfOperation(group));
  }
  if (section.blocks.empty()) return std::nullopt;
  section.blocks.insert(
      section.blocks.begin(),
      page::Paragraph{"Counted in a simulated machine, so that no noise touches them: "
                      "the same at every run."});
  return section;
}

}  // namespace inlay::bench_page
