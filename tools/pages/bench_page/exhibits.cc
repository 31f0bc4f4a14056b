#include "tools/pages/bench_page/exhibits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/pages/bench_page/subject.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using page::Text;

page::BarChart::Bar CostBar(const Point& point) {
  const Cost cost = Results::CostOf(point);
  page::BarChart::Bar bar;
  bar.series = point.name.subject;
  bar.label = point.name.subject;
  bar.value = cost.ns;
  if (point.time_ns.count() > 1) bar.spread = {{.least = cost.least_ns, .most = cost.most_ns}};
  bar.shown = ShownCost(&point);
  return bar;
}

// A chart in a sentence, for those who do not see it.
std::string Describe(const std::string& title, const std::vector<page::BarChart::Bar>& bars) {
  std::vector<std::string> parts;
  for (const page::BarChart::Bar& bar : bars) parts.push_back(bar.label + " " + bar.shown);
  return title + ": " + absl::StrJoin(parts, ", ");
}

// The name of a subject in the first column of a table.
std::string SubjectCell(const std::string& subject) {
  return subject == "touch" ? "touch, itself" : subject;
}

void AddCounters(const Point& point, const std::vector<std::string>& counters,
                 page::Table::Row* row) {
  for (const std::string& counter : counters) {
    const std::optional<double> value = point.counter(counter);
    row->cells.emplace_back(value.has_value() ? numbers::ThreeDigits(*value) : numbers::kNoNumber);
  }
}

bool IsOverTouch(const std::vector<const Point*>& points) {
  return std::any_of(points.begin(), points.end(),
                     [](const Point* point) { return Results::CostOf(*point).over_touch; });
}

}  // namespace

Quantity CostQuantity() {
  return {.unit = "ns over touch",
          .value = [](const Point& point) { return Results::CostOf(point).ns; },
          .shown = numbers::Nanoseconds};
}

Quantity CounterQuantity(const std::string& unit, const std::string& counter,
                         std::string (*shown)(double)) {
  return {.unit = unit,
          .value = [counter](const Point& point) { return point.counter(counter); },
          .shown = shown};
}

std::vector<std::string> CommandsOf(const std::vector<const Point*>& points) {
  std::vector<std::string> commands;
  for (const Point* const point : points) {
    const std::string& command = point->file->context().command;
    if (std::find(commands.begin(), commands.end(), command) == commands.end()) {
      commands.push_back(command);
    }
  }
  return commands;
}

std::vector<std::string> CountersOf(const std::vector<const Point*>& points) {
  std::vector<std::string> counters;
  for (const Point* const point : points) {
    for (const auto& [counter, sample] : point->counters) {
      if (std::find(counters.begin(), counters.end(), counter) == counters.end()) {
        counters.push_back(counter);
      }
    }
  }
  return counters;
}

std::string CounterTitle(const std::string& counter) {
  std::string title = counter;
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

std::string ShownCost(const Point* point) {
  if (point == nullptr) return numbers::kNoNumber;
  const Cost cost = Results::CostOf(*point);
  const bool is_touch = point->name.subject == "touch";
  return numbers::Nanoseconds(cost.ns) + (cost.over_touch || is_touch ? "" : "*");
}

void AddStarNote(const std::vector<const Point*>& points, page::Exhibit* exhibit) {
  const bool starred = std::any_of(points.begin(), points.end(), [](const Point* point) {
    return !Results::CostOf(*point).over_touch && point->name.subject != "touch";
  });
  if (starred) {
    exhibit->notes.push_back("* the whole time: there is no touch in that run to subtract.");
  }
}

std::optional<page::Chart> ChartOf(const std::string& title, const std::string& unit,
                                   std::vector<page::BarChart::Bar> bars) {
  if (bars.empty()) return std::nullopt;
  page::BarChart chart;
  chart.description = Describe(title + ", " + unit, bars);
  chart.unit = unit;
  chart.groups.push_back({.bars = std::move(bars)});
  return chart;
}

page::Exhibit CostExhibit(const std::string& title, const Group& group,
                          const std::vector<std::string>& subjects, const std::string& base) {
  page::Exhibit exhibit{.title = title};
  const bool over_touch = IsOverTouch(group.points);
  exhibit.table.columns = {{over_touch ? "ns over touch" : "ns", false},
                           {"median"},
                           {"least"},
                           {"most"},
                           {Text::OfCode(base).Plain(" = 100 %")}};
  if (over_touch) exhibit.table.columns.push_back({"with touch"});
  const std::vector<std::string> counters = CountersOf(group.points);
  for (const std::string& counter : counters) {
    exhibit.table.columns.push_back({CounterTitle(counter)});
  }
  std::vector<const Point*> shown;
  if (const Point* const touch = group.Of("touch"); touch != nullptr && over_touch) {
    shown.push_back(touch);
    page::Table::Row row{
        .series = "touch",
        .cells = {SubjectCell("touch"), numbers::kNoNumber, numbers::kNoNumber, numbers::kNoNumber,
                  numbers::kNoNumber, numbers::Nanoseconds(touch->time_ns.median())}};
    AddCounters(*touch, counters, &row);
    exhibit.table.rows.push_back(std::move(row));
  }
  std::vector<page::BarChart::Bar> bars;
  for (const std::string& subject : subjects) {
    const Point* const point = group.Of(subject);
    if (point == nullptr) continue;
    shown.push_back(point);
    const Cost cost = Results::CostOf(*point);
    const std::optional<double> share = Results::Ratio(*point, Results::Beside(*point, base));
    page::Table::Row row{
        .series = subject,
        .cells = {subject, over_touch ? ShownCost(point) : numbers::Nanoseconds(cost.ns),
                  numbers::Nanoseconds(cost.least_ns), numbers::Nanoseconds(cost.most_ns),
                  share.has_value() ? numbers::PercentOf(*share) : numbers::kNoNumber}};
    if (over_touch) row.cells.emplace_back(numbers::Nanoseconds(cost.whole_ns));
    AddCounters(*point, counters, &row);
    exhibit.table.rows.push_back(std::move(row));
    bars.push_back(CostBar(*point));
    if (!over_touch) bars.back().shown = numbers::Nanoseconds(cost.ns);
  }
  exhibit.chart = ChartOf(title, over_touch ? "ns over touch" : "ns", std::move(bars));
  if (over_touch) AddStarNote(shown, &exhibit);
  exhibit.commands = CommandsOf(shown);
  return exhibit;
}

page::Exhibit CostTable(const std::string& title, const std::vector<Column>& columns,
                        const std::vector<std::string>& subjects, bool with_chart) {
  page::Exhibit exhibit{.title = title};
  if (columns.empty()) return exhibit;
  const Arguments& sizes = columns.front().group.arguments;
  exhibit.title += ": " + DescribeSizes(sizes);
  exhibit.table.columns.push_back({"ns over touch", false});
  std::vector<const Point*> shown;
  page::BarChart chart;
  std::vector<std::string> descriptions;
  for (const Column& column : columns) {
    Text column_title = column.title;
    if (column.group.arguments != sizes) {
      column_title.Plain(" (" + DescribeSizes(column.group.arguments) + ")");
    }
    page::BarChart::Group bars{.title = column_title.Words()};
    exhibit.table.columns.push_back({std::move(column_title)});
    for (const std::string& subject : subjects) {
      const Point* const point = column.group.Of(subject);
      if (point == nullptr) continue;
      shown.push_back(point);
      if (subject != "touch") bars.bars.push_back(CostBar(*point));
    }
    if (bars.bars.empty()) continue;
    descriptions.push_back(Describe(bars.title, bars.bars));
    chart.groups.push_back(std::move(bars));
  }
  for (const std::string& subject : subjects) {
    page::Table::Row row{.series = subject};
    bool any = false;
    row.cells.emplace_back(SubjectCell(subject));
    for (const Column& column : columns) {
      const Point* const point = column.group.Of(subject);
      any = any || point != nullptr;
      row.cells.emplace_back(ShownCost(point));
    }
    if (any) exhibit.table.rows.push_back(std::move(row));
  }
  if (with_chart && !chart.groups.empty()) {
    chart.unit = IsOverTouch(shown) ? "ns over touch" : "ns";
    chart.description =
        absl::StrCat(exhibit.title, ", ", chart.unit, ". ", absl::StrJoin(descriptions, ". "));
    exhibit.chart = std::move(chart);
  }
  AddStarNote(shown, &exhibit);
  exhibit.commands = CommandsOf(shown);
  return exhibit;
}

page::Exhibit SweepExhibit(const std::string& title, const Sweep& sweep, const SweepView& view) {
  page::Exhibit exhibit{.title = title};
  exhibit.table.columns.push_back({view.x_title, false});
  for (const int64_t value : sweep.values)
    exhibit.table.columns.push_back({numbers::GroupedSigned(value)});
  page::LineChart chart;
  chart.x = {.title = view.x_title, .logarithmic = true};
  chart.y = {.title = view.quantity.unit, .logarithmic = view.logarithmic_y};
  std::vector<const Point*> shown;
  std::vector<std::string> ends;
  for (const std::string& subject : view.listed) {
    page::Table::Row row{.series = subject, .cells = {SubjectCell(subject)}};
    page::LineChart::Line line{.series = subject, .label = subject};
    for (const int64_t value : sweep.values) {
      const Point* const point = sweep.At(subject, value);
      const std::optional<double> figure =
          point == nullptr ? std::nullopt : view.quantity.value(*point);
      if (!figure.has_value()) {
        row.cells.emplace_back(numbers::kNoNumber);
        continue;
      }
      shown.push_back(point);
      row.cells.emplace_back(view.quantity.shown(*figure));
      line.points.push_back(
          {.x = static_cast<double>(value), .y = *figure, .shown = view.quantity.shown(*figure)});
    }
    if (line.points.empty()) continue;
    exhibit.table.rows.push_back(std::move(row));
    if (std::find(view.drawn.begin(), view.drawn.end(), subject) == view.drawn.end()) continue;
    ends.push_back(absl::StrCat(subject, " from ", line.points.front().shown, " to ",
                                line.points.back().shown));
    chart.lines.push_back(std::move(line));
  }
  chart.description = absl::StrCat(title, ", ", view.quantity.unit, ", over ", view.x_title, ": ",
                                   absl::StrJoin(ends, ", "));
  if (!chart.lines.empty()) exhibit.chart = std::move(chart);
  exhibit.commands = CommandsOf(shown);
  return exhibit;
}

}  // namespace inlay::bench_page
