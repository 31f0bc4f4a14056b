#include "tools/pages/bench_page/cost_figures.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using page::Text;

// A chart in a sentence, for readers who cannot see it.
std::string Describe(const std::string& title, const std::vector<page::BarChart::Bar>& bars) {
  std::vector<std::string> parts;
  for (const page::BarChart::Bar& bar : bars) parts.push_back(bar.label + " " + bar.value_text);
  return title + ": " + absl::StrJoin(parts, ", ");
}

// The name of a contender in the first column of a table.
std::string ContenderCell(const std::string& contender) {
  return contender == "touch" ? "touch, itself" : contender;
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

page::BarChart::Bar CostBar(const Point& point) {
  const Cost cost = Results::CostOf(point);
  page::BarChart::Bar bar;
  bar.series = point.name.contender;
  bar.label = point.name.contender;
  bar.value = cost.ns;
  if (point.time_ns.count() > 1) bar.spread = {{.least = cost.least_ns, .most = cost.most_ns}};
  bar.value_text = CostText(&point);
  return bar;
}

Quantity CostQuantity() {
  return {.unit = "ns over touch",
          .value = [](const Point& point) { return Results::CostOf(point).ns; },
          .value_text = [](const Point& point, double) { return CostText(&point); }};
}

Quantity CounterQuantity(const std::string& unit, const std::string& counter,
                         std::string (*text)(double)) {
  return {.unit = unit,
          .value = [counter](const Point& point) { return point.counter(counter); },
          .value_text = [text](const Point&, double value) { return text(value); }};
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

std::string CostText(const Point* point) {
  if (point == nullptr) return numbers::kNoNumber;
  const Cost cost = Results::CostOf(*point);
  if (cost.within_noise()) return "within noise";
  const bool is_touch = point->name.contender == "touch";
  return numbers::Nanoseconds(cost.ns) + (cost.over_touch || is_touch ? "" : "*");
}

std::string CostInWords(const Point& point) {
  const Cost cost = Results::CostOf(point);
  if (!cost.within_noise()) return numbers::Nanoseconds(cost.ns) + " ns";
  if (cost.noise_ns <= 0) return "nothing above the noise";
  return "nothing above the noise of " + numbers::Nanoseconds(cost.noise_ns) + " ns";
}

std::optional<std::string> ShareText(const Point& point, const Point* base) {
  const std::optional<double> ratio = Results::Ratio(point, base);
  if (!ratio.has_value() || Results::CostOf(*base).within_noise()) return std::nullopt;
  const Cost cost = Results::CostOf(point);
  if (!cost.within_noise()) return numbers::PercentOf(*ratio);
  if (cost.noise_ns <= 0) return std::nullopt;
  return "< " + numbers::PercentOf(cost.noise_ns / Results::CostOf(*base).ns);
}

std::optional<std::string> ShareInWords(const Point& point, const Point* base) {
  std::optional<std::string> share = ShareText(point, base);
  if (share.has_value() && share->starts_with('<')) share->replace(0, 1, "less than");
  return share;
}

void AddCostNotes(const std::vector<const Point*>& points, page::Figure* figure) {
  const bool starred = std::any_of(points.begin(), points.end(), [](const Point* point) {
    return !Results::CostOf(*point).over_touch && point->name.contender != "touch";
  });
  if (starred) {
    figure->notes.push_back("* the whole time: that run has no touch to subtract.");
  }
  const bool noisy = std::any_of(points.begin(), points.end(), [](const Point* point) {
    return Results::CostOf(*point).within_noise();
  });
  if (noisy) {
    figure->notes.push_back(
        "within noise: the cost is smaller than the difference between the touch's own fastest "
        "and slowest repetition.");
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

page::Figure CostFigure(const std::string& title, const Group& group,
                        const std::vector<std::string>& contenders, const std::string& base) {
  page::Figure figure{.title = title};
  const bool over_touch = IsOverTouch(group.points);
  figure.table.columns = {{over_touch ? "ns over touch" : "ns", false},
                          {"median"},
                          {Text::OfCode(base).Plain(" = 100 %")}};
  if (over_touch) figure.table.columns.push_back({"with touch"});
  figure.table.columns.push_back({"least"});
  figure.table.columns.push_back({"most"});
  const std::vector<std::string> counters = CountersOf(group.points);
  for (const std::string& counter : counters) {
    figure.table.columns.push_back({CounterTitle(counter)});
  }
  std::vector<const Point*> listed;
  if (const Point* const touch = group.Of("touch"); touch != nullptr && over_touch) {
    listed.push_back(touch);
    const Sample& time_ns = touch->time_ns;
    page::Table::Row row{
        .series = "touch",
        .cells = {ContenderCell("touch"), numbers::kNoNumber, numbers::kNoNumber,
                  numbers::Nanoseconds(time_ns.median()), numbers::Nanoseconds(time_ns.least()),
                  numbers::Nanoseconds(time_ns.most())}};
    AddCounters(*touch, counters, &row);
    figure.table.rows.push_back(std::move(row));
  }
  std::vector<page::BarChart::Bar> bars;
  for (const std::string& contender : contenders) {
    const Point* const point = group.Of(contender);
    if (point == nullptr) continue;
    listed.push_back(point);
    const Cost cost = Results::CostOf(*point);
    const Sample& time_ns = point->time_ns;
    page::Table::Row row{
        .series = contender,
        .cells = {contender, over_touch ? CostText(point) : numbers::Nanoseconds(cost.ns),
                  ShareText(*point, Results::Beside(*point, base)).value_or(numbers::kNoNumber)}};
    if (over_touch) row.cells.emplace_back(numbers::Nanoseconds(cost.whole_ns));
    row.cells.emplace_back(numbers::Nanoseconds(time_ns.least()));
    row.cells.emplace_back(numbers::Nanoseconds(time_ns.most()));
    AddCounters(*point, counters, &row);
    figure.table.rows.push_back(std::move(row));
    bars.push_back(CostBar(*point));
    if (!over_touch) bars.back().value_text = numbers::Nanoseconds(cost.ns);
  }
  figure.chart = ChartOf(title, over_touch ? "ns over touch" : "ns", std::move(bars));
  if (over_touch) AddCostNotes(listed, &figure);
  figure.commands = CommandsOf(listed);
  return figure;
}

page::Figure CostTable(const std::string& title, const std::vector<Column>& columns,
                       const std::vector<std::string>& contenders, bool with_chart) {
  page::Figure figure{.title = title};
  if (columns.empty()) return figure;
  const Arguments& sizes = columns.front().group.arguments;
  figure.title += ": " + DescribeSizes(sizes);
  figure.table.columns.push_back({"ns over touch", false});
  std::vector<const Point*> listed;
  page::BarChart chart;
  std::vector<std::string> descriptions;
  for (const Column& column : columns) {
    Text column_title = column.title;
    if (column.group.arguments != sizes) {
      column_title.Plain(" (" + DescribeSizes(column.group.arguments) + ")");
    }
    page::BarChart::Group bars{.title = column_title.Words()};
    figure.table.columns.push_back({std::move(column_title)});
    for (const std::string& contender : contenders) {
      const Point* const point = column.group.Of(contender);
      if (point == nullptr) continue;
      listed.push_back(point);
      if (contender != "touch") bars.bars.push_back(CostBar(*point));
    }
    if (bars.bars.empty()) continue;
    descriptions.push_back(Describe(bars.title, bars.bars));
    chart.groups.push_back(std::move(bars));
  }
  for (const std::string& contender : contenders) {
    page::Table::Row row{.series = contender};
    bool any = false;
    row.cells.emplace_back(ContenderCell(contender));
    for (const Column& column : columns) {
      const Point* const point = column.group.Of(contender);
      any = any || point != nullptr;
      row.cells.emplace_back(CostText(point));
    }
    if (any) figure.table.rows.push_back(std::move(row));
  }
  if (with_chart && !chart.groups.empty()) {
    chart.unit = IsOverTouch(listed) ? "ns over touch" : "ns";
    chart.description =
        absl::StrCat(figure.title, ", ", chart.unit, ". ", absl::StrJoin(descriptions, ". "));
    figure.chart = std::move(chart);
  }
  AddCostNotes(listed, &figure);
  figure.commands = CommandsOf(listed);
  return figure;
}

page::Figure SweepFigure(const std::string& title, const Sweep& sweep, const SweepView& view) {
  page::Figure figure{.title = title};
  figure.table.columns.push_back({view.x_title, false});
  for (const int64_t value : sweep.values)
    figure.table.columns.push_back({numbers::GroupedSigned(value)});
  page::LineChart chart;
  chart.x = {.title = view.x_title, .logarithmic = true};
  chart.y = {.title = view.quantity.unit, .logarithmic = view.logarithmic_y};
  std::vector<const Point*> listed;
  std::vector<std::string> ends;
  for (const std::string& contender : view.listed) {
    page::Table::Row row{.series = contender, .cells = {ContenderCell(contender)}};
    page::LineChart::Line line{.series = contender, .label = contender};
    for (const int64_t value : sweep.values) {
      const Point* const point = sweep.At(contender, value);
      const std::optional<double> amount =
          point == nullptr ? std::nullopt : view.quantity.value(*point);
      if (!amount.has_value()) {
        row.cells.emplace_back(numbers::kNoNumber);
        continue;
      }
      listed.push_back(point);
      row.cells.emplace_back(view.quantity.value_text(*point, *amount));
      line.points.push_back({.x = static_cast<double>(value),
                             .y = *amount,
                             .value_text = view.quantity.value_text(*point, *amount)});
    }
    if (line.points.empty()) continue;
    figure.table.rows.push_back(std::move(row));
    if (std::find(view.drawn.begin(), view.drawn.end(), contender) == view.drawn.end()) continue;
    ends.push_back(absl::StrCat(contender, " from ", line.points.front().value_text, " to ",
                                line.points.back().value_text));
    chart.lines.push_back(std::move(line));
  }
  chart.description = absl::StrCat(title, ", ", view.quantity.unit, ", over ", view.x_title, ": ",
                                   absl::StrJoin(ends, ", "));
  if (!chart.lines.empty()) figure.chart = std::move(chart);
  figure.commands = CommandsOf(listed);
  return figure;
}

}  // namespace inlay::bench_page
