#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/growth/growth.h"
#include "tools/analysis/growth/growth_law.h"
#include "tools/analysis/report/growth_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::Growth;
using analysis::GrowthForecast;
using analysis::GrowthLaw;
using analysis::Report;
using page::Text;

constexpr int kCurveSteps = 60;
constexpr size_t kMaxListedPoints = 16;

std::string OrderMeaning(Growth::Order order) {
  switch (order) {
    case Growth::Order::kRandom:
      return "Each point: the distinct values expected in that many records, drawn at random.";
    case Growth::Order::kInput:
      return "Each point: the distinct values in that many records from the start of the input.";
    case Growth::Order::kSnapshots:
      break;
  }
  return "Each point: the distinct values of one snapshot.";
}

// A selection of the points, spread over all of them. The last one is the data itself.
std::vector<analysis::GrowthPoint> Thinned(const std::vector<analysis::GrowthPoint>& points) {
  if (points.size() <= kMaxListedPoints) return points;
  std::vector<analysis::GrowthPoint> thinned;
  for (size_t i = 0; i < kMaxListedPoints; ++i) {
    thinned.push_back(points[i * (points.size() - 1) / (kMaxListedPoints - 1)]);
  }
  return thinned;
}

// The starting point of forecasts. With snapshots it is the last one, which need not have the most
// records.
analysis::GrowthPoint Now(const Growth& growth) {
  if (growth.snapshots.empty()) return growth.points.back();
  const analysis::Snapshot& last = growth.snapshots.back();
  return {static_cast<double>(last.records), static_cast<double>(last.distinct)};
}

// Probabilities below this count as none.
constexpr double kUnlikely = 0.001;

page::Figure Curve(const Report& report) {
  const Growth& growth = report.growth;
  page::Figure figure{.title = "Distinct values against records"};
  page::LineChart chart;
  chart.description = "Distinct values against the number of records";
  chart.x = {.title = "records", .logarithmic = true, .round_ticks = true};
  chart.y = {.title = "distinct values", .logarithmic = true};
  page::LineChart::Line line{.series = "values", .label = "counted"};
  figure.table.columns = {{"records", false}, {"distinct values"}, {"records for each"}};
  const bool in_order =
      growth.order == Growth::Order::kInput && growth.random_order.size() == growth.points.size();
  const std::vector<analysis::GrowthPoint> at_random = Thinned(growth.random_order);
  if (in_order) figure.table.columns.push_back({"distinct values in random order"});
  for (const analysis::GrowthPoint& point : Thinned(growth.points)) {
    line.points.push_back({.x = point.records,
                           .y = point.distinct,
                           .value_text = numbers::LargeCount(point.distinct)});
    figure.table.rows.push_back(
        {.cells = {numbers::LargeCount(point.records), numbers::LargeCount(point.distinct),
                   numbers::GroupedDecimal(point.records / std::max(point.distinct, 1.0), 2)}});
    if (in_order) {
      const size_t row = figure.table.rows.size() - 1;
      figure.table.rows.back().cells.emplace_back(numbers::LargeCount(at_random[row].distinct));
    }
  }
  const analysis::GrowthPoint last = Now(growth);
  double furthest = last.records;
  page::LineChart::Band band{.series = "forecast", .label = "19 of 20 times between"};
  band.intervals.push_back({last.records, last.distinct, last.distinct});
  page::LineChart::Line expected{.series = "forecast", .label = "forecast"};
  for (const GrowthForecast& forecast : growth.forecasts) {
    band.intervals.push_back({forecast.records, forecast.distinct_low, forecast.distinct_high});
    expected.points.push_back({.x = forecast.records,
                               .y = forecast.distinct,
                               .value_text = numbers::LargeCount(forecast.distinct)});
    furthest = std::max(furthest, forecast.records);
    absl::StrAppend(&chart.description, "; forecast for ", numbers::LargeCount(forecast.records),
                    " records: ", numbers::LargeCount(forecast.distinct));
  }
  chart.lines.push_back(std::move(line));
  if (in_order) {
    page::LineChart::Line random{.series = "other", .label = "in random order"};
    for (const analysis::GrowthPoint& point : at_random) {
      random.points.push_back({.x = point.records,
                               .y = point.distinct,
                               .value_text = numbers::LargeCount(point.distinct)});
    }
    chart.lines.push_back(std::move(random));
  }
  if (growth.law.has_value()) {
    page::LineChart::Line law{.series = "forecast", .label = "law"};
    law.computed = true;
    // The law of snapshots has the exponent of all of them; the other laws hold only for more
    // records than this data.
    const bool is_of_all =
        growth.order == Growth::Order::kSnapshots && !growth.within_last_snapshot;
    const double first = is_of_all ? std::max(growth.points.front().records, 1.0) : last.records;
    for (int i = 0; i <= kCurveSteps; ++i) {
      const double records =
          first * std::pow(furthest / first, static_cast<double>(i) / kCurveSteps);
      const double distinct = analysis::DistinctBy(*growth.law, records);
      law.points.push_back(
          {.x = records, .y = distinct, .value_text = numbers::LargeCount(distinct)});
    }
    chart.lines.push_back(std::move(law));
  }
  if (!expected.points.empty()) {
    chart.lines.push_back(std::move(expected));
    chart.bands.push_back(std::move(band));
    chart.marks.push_back(
        {.x = last.records,
         .series = "data",
         .label = "this data: " + numbers::LargeCount(last.records) + " records"});
  }
  figure.chart = std::move(chart);
  figure.notes.push_back(OrderMeaning(growth.order));
  if (growth.law.has_value()) {
    figure.notes.push_back(
        absl::StrCat("Law: ", analysis::LawWords(*growth.law, last.records), "."));
  }
  if (!growth.forecasts.empty()) {
    figure.chart_notes.emplace_back(
        "Shaded: the interval that holds the truth 19 of 20 times, if the records to come are like "
        "those of this data.");
  }
  if (in_order) figure.notes.push_back(analysis::OrderWords(growth));
  const std::string forecast_order = analysis::ForecastOrderWords(growth);
  if (!forecast_order.empty()) figure.notes.push_back(forecast_order);
  return figure;
}

page::Figure Forecasts(const Report& report) {
  const std::vector<GrowthForecast>& forecasts = report.growth.forecasts;
  page::Figure figure{.title = "What more sockets would bring"};
  figure.table.columns.push_back({"", false});
  figure.table.columns.push_back({"this data"});
  page::Table::Row records{.cells = {"records", numbers::Grouped(report.records)}};
  page::Table::Row distinct{
      .cells = {"distinct values", numbers::Estimate(report.distinct, report.distinct_error)}};
  page::Table::Row between{.cells = {"19 of 20 times between", "-"}};
  page::Table::Row width{.cells = {"index width", IndexWidthText(report.index_bits)}};
  page::Table::Row width_high{.cells = {"index width for the upper end", "-"}};
  std::vector<int> overflow_bits;
  for (const GrowthForecast& forecast : forecasts) {
    figure.table.columns.push_back({absl::StrFormat("%g times", forecast.times)});
    records.cells.emplace_back(numbers::LargeCount(forecast.records));
    distinct.cells.emplace_back(numbers::LargeCount(forecast.distinct));
    between.cells.emplace_back(absl::StrCat(numbers::LargeCount(forecast.distinct_low), " and ",
                                            numbers::LargeCount(forecast.distinct_high)));
    width.cells.emplace_back(IndexWidthText(forecast.index_bits));
    width_high.cells.emplace_back(IndexWidthText(forecast.index_bits_high));
    for (const analysis::WidthOverflow& overflow : forecast.overflow) {
      overflow_bits.push_back(overflow.index_bits);
    }
  }
  figure.table.rows = {records, distinct, between, width, width_high};
  std::sort(overflow_bits.begin(), overflow_bits.end());
  overflow_bits.erase(std::unique(overflow_bits.begin(), overflow_bits.end()), overflow_bits.end());
  for (const int bits : overflow_bits) {
    bool likely = false;
    page::Table::Row row{.cells = {absl::StrCat(bits, " bits are too few")}};
    row.cells.emplace_back(
        report.exact ? (report.distinct > analysis::IndexCapacity(bits) ? "yes" : "no") : "-");
    for (const GrowthForecast& forecast : forecasts) {
      const auto found =
          std::find_if(forecast.overflow.begin(), forecast.overflow.end(),
                       [bits](const auto& other) { return other.index_bits == bits; });
      row.cells.emplace_back(
          found == forecast.overflow.end() ? "-" : numbers::Probability(found->probability));
      likely = likely || (found != forecast.overflow.end() && found->probability >= kUnlikely);
    }
    figure.table.rows.push_back(std::move(row));
    if (!likely) break;  // wider ones are less likely
  }
  figure.notes.push_back(
      "Too few: the probability that the values outnumber the indexes of that width. Sockets "
      "with the extra values would keep private copies.");
  return figure;
}

Text Outlook(const Report& report) {
  Text text(
      "More sockets bring new values, and an index that is wide enough today may not be later. ");
  if (report.growth.forecasts.empty()) return text;
  std::string widths = IndexWidthText(report.index_bits) + " today";
  for (const GrowthForecast& forecast : report.growth.forecasts) {
    absl::StrAppend(&widths, ", ", IndexWidthText(forecast.index_bits), " with ",
                    absl::StrFormat("%g", forecast.times), " times the sockets");
  }
  return text.Strong(absl::StrCat("The index needs: ", widths, ".")).Plain(" Estimated.");
}

}  // namespace

std::optional<page::Section> GrowthSection(const Report& report) {
  if (report.growth.points.empty() || report.growth.points.back().records < 2) return std::nullopt;
  page::Section section{.id = "growth", .title = "How the values grow with the sockets"};
  section.blocks.emplace_back(page::Paragraph{Outlook(report)});
  section.blocks.emplace_back(Curve(report));
  if (!report.growth.forecasts.empty()) section.blocks.emplace_back(Forecasts(report));
  return section;
}

}  // namespace inlay::analyze_page
