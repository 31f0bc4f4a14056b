#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/report/report_words.h"
#include "tools/analysis/report/spoiler_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::PrintableFieldName;
using analysis::Report;
using numbers::Grouped;
using numbers::GroupedDecimal;
using numbers::Percent;
using page::Text;

constexpr size_t kMaxListedSteps = 40;
constexpr size_t kMaxListedAlone = 20;

// Adds a number of remaining values as a row of the table and as a bar.
void AddLeft(const Report& report, const std::string& series, const std::string& row_name,
             const std::string& bar_name, uint64_t distinct, page::Figure* figure) {
  const uint64_t all = report.spoilers.distinct;
  figure->table.rows.push_back(
      {.series = series,
       .cells = {row_name, Grouped(distinct), Percent(distinct, all),
                 GroupedDecimal(
                     static_cast<double>(report.codes.records) / static_cast<double>(distinct), 2),
                 IndexWidthText(analysis::SmallestIndexBits(distinct))}});
  std::get<page::BarChart>(*figure->chart)
      .groups.front()
      .bars.push_back({.series = series,
                       .label = bar_name,
                       .value = static_cast<double>(distinct),
                       .value_text = Grouped(distinct)});
}

page::Figure LeftWithout(const std::string& title, const std::string& description) {
  page::Figure figure{.title = title};
  figure.chart = page::BarChart{.description = description,
                                .unit = "distinct values that are left",
                                .groups = {page::BarChart::Group{}}};
  figure.table.columns = {
      {"left out", false}, {"distinct"}, {"of all"}, {"dedup ratio"}, {"index width"}};
  return figure;
}

page::Figure Together(const Report& report) {
  page::Figure figure =
      LeftWithout("Fields left out one after the other",
                  "Distinct values that are left when fields are left out one after the other");
  AddLeft(report, "data", "nothing", "nothing left out", report.spoilers.distinct, &figure);
  const auto& steps = report.spoilers.steps;
  for (size_t i = 0; i < std::min(steps.size(), kMaxListedSteps); ++i) {
    const std::string& name = report.fields[steps[i].field].name;
    AddLeft(report, i < report.joint_spoilers ? "spoiler" : "field",
            absl::StrCat(i == 0 ? "" : "and ", PrintableFieldName(name)),
            absl::StrCat(i == 0 ? "without " : "and ", ChartName(name)), steps[i].distinct,
            &figure);
  }
  if (steps.size() > kMaxListedSteps) {
    figure.notes.push_back(absl::StrCat(
        numbers::CountOf(steps.size() - kMaxListedSteps, "more step"), "; --json has them all."));
  }
  figure.notes.push_back(
      "Every step leaves out, besides those before it, the field without which the fewest values "
      "are left.");
  if (report.joint_spoilers > 0) {
    figure.chart_notes.push_back(
        "Red: the spoilers. They are the fewest of these fields that halve the values, and the "
        "next ones as long as each halves them again.");
  }
  return figure;
}

// The fields whose absence reduces the values, by the values that remain without each, fewest
// first.
std::vector<size_t> ThatMatterAlone(const Report& report) {
  std::vector<size_t> fields;
  for (size_t i = 0; i < report.fields.size(); ++i) {
    if (report.fields[i].distinct_without < report.spoilers.distinct) fields.push_back(i);
  }
  std::stable_sort(fields.begin(), fields.end(), [&report](size_t a, size_t b) {
    return report.fields[a].distinct_without < report.fields[b].distinct_without;
  });
  return fields;
}

void AddAlone(const Report& report, page::Section* section) {
  const std::vector<size_t> fields = ThatMatterAlone(report);
  if (fields.empty()) {
    section->blocks.emplace_back(page::Paragraph{
        "No field matters alone: without any single one, the others still tell all values apart."});
    return;
  }
  page::Figure figure = LeftWithout("Each field left out alone",
                                    "Distinct values that are left when one field is left out");
  AddLeft(report, "data", "nothing", "nothing left out", report.spoilers.distinct, &figure);
  for (size_t i = 0; i < std::min(fields.size(), kMaxListedAlone); ++i) {
    const analysis::FieldStatistics& field = report.fields[fields[i]];
    const bool spoils = report.joint_spoilers > 0 &&
                        std::any_of(report.spoilers.steps.begin(),
                                    report.spoilers.steps.begin() +
                                        static_cast<std::ptrdiff_t>(report.joint_spoilers),
                                    [&](const auto& step) { return step.field == fields[i]; });
    AddLeft(report, spoils ? "spoiler" : "field", PrintableFieldName(field.name),
            absl::StrCat("without ", ChartName(field.name)), field.distinct_without, &figure);
  }
  if (fields.size() > kMaxListedAlone) {
    figure.notes.push_back(absl::StrCat("The ", kMaxListedAlone, " that matter most, of ",
                                        fields.size(), " without which fewer values are left."));
  }
  figure.notes.push_back(
      "Without a field that is not listed, all values still differ: the other fields determine "
      "it.");
  section->blocks.emplace_back(std::move(figure));
}

}  // namespace

std::optional<page::Section> SpoilersSection(const Report& report) {
  if (!analysis::SpoilersAreKnown(report)) return std::nullopt;
  page::Section section{.id = "spoilers", .title = "Which field spoils it"};
  Text text(
      "A spoiler is a field that keeps values apart which are equal in all else, such as a port or "
      "a time. ");
  for (const std::string& sentence : analysis::SpoilersVerdict(report)) {
    text.Strong(ShortSentence(sentence)).Plain(" ");
  }
  section.blocks.emplace_back(page::Paragraph{std::move(text)});
  if (!report.fields_exact) {
    section.blocks.emplace_back(page::Paragraph{absl::StrCat(
        "Estimated from a sample of ", Grouped(report.spoilers.distinct),
        " values. Use the figures to compare fields: of all values, at least as many are left.")});
  }
  section.blocks.emplace_back(Together(report));
  AddAlone(report, &section);
  return section;
}

}  // namespace inlay::analyze_page
