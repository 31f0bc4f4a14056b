#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {

using numbers::Grouped;
using numbers::Percent;

namespace {

double PercentOf(uint64_t part, uint64_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

page::Section CopiesSection(const analysis::Report& report) {
  page::Section section{.id = "copies", .title = "How often values occur"};
  section.blocks.emplace_back(page::Paragraph{
      "The copies of a value are the records that hold it. Where most records hold a value of many "
      "copies, sharing pays even if many values are rare."});
  page::Figure figure{.title = "Values and records by the number of copies"};
  page::BarChart chart{
      .description = "Distinct values, and the records that hold them, by the number of copies",
      .unit = "percent of all",
      .groups = {}};
  chart.thin = true;
  figure.table.columns = {{"copies", false}, {"values"}, {"of all"}, {"records"}, {"of all"}};
  for (const analysis::CopiesBucket& bucket : report.copies_histogram) {
    const std::string copies = analysis::CopiesRange(bucket);
    const std::string values = Percent(bucket.values, report.distinct);
    const std::string records = Percent(bucket.records, report.records);
    figure.table.rows.push_back(
        {.cells = {copies, Grouped(bucket.values), values, Grouped(bucket.records), records}});
    page::BarChart::Group group{.title = copies + (bucket.copies_to == 1 ? " copy" : " copies")};
    group.bars.push_back({.series = "values",
                          .label = "distinct values",
                          .value = PercentOf(bucket.values, report.distinct),
                          .value_text = values});
    group.bars.push_back({.series = "records",
                          .label = "records that hold them",
                          .value = PercentOf(bucket.records, report.records),
                          .value_text = records});
    chart.groups.push_back(std::move(group));
  }
  figure.table.rows.push_back({.cells = {page::Text::OfStrong("all"), Grouped(report.distinct), "",
                                         Grouped(report.records), ""}});
  figure.chart = std::move(chart);
  if (!report.exact) {
    figure.notes.push_back(
        "Estimated: each sampled value stands for several of its kind, so the rows need not add up "
        "to all.");
  }
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::analyze_page
