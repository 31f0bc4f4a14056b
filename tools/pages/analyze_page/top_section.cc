#include <algorithm>
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

constexpr size_t kMaxListedValues = 200;

}  // namespace

page::Figure TopFigure(const analysis::Report& report, size_t max_values) {
  const size_t listed = std::min(report.top.size(), max_values);
  uint64_t covered = 0;
  page::Figure figure;
  figure.table.columns = {{"count", true}, {"share"}, {"value", false}};
  for (size_t i = 0; i < listed; ++i) {
    const analysis::TopValue& value = report.top[i];
    covered += value.count;
    figure.table.rows.push_back(
        {.cells = {Grouped(value.count) + (value.count_error == 0 ? "" : " or more"),
                   Percent(value.count, report.records),
                   value.fields.empty() && value.text.empty()
                       ? page::Text(analysis::ValueText(value))
                       : page::Text::OfCode(analysis::ValueText(value))}});
  }
  figure.title = absl::StrCat(
      "The most frequent values: ", Grouped(listed), " of ", report.exact ? "" : "about ",
      Grouped(report.distinct), " distinct values, held by ",
      Percent(std::min(covered, report.records), report.records), " of the records");
  if (listed < report.top.size()) {
    figure.notes.push_back(absl::StrCat(Grouped(report.top.size() - listed), " more; ",
                                        max_values < kMaxListedValues ? "--full" : "--json",
                                        " has them."));
  }
  return figure;
}

std::optional<page::Section> TopSection(const analysis::Report& report) {
  if (report.top.empty()) return std::nullopt;
  page::Section section{.id = "top", .title = "The most frequent values"};
  page::Figure figure = TopFigure(report, kMaxListedValues);
  if (!report.top.front().fields.empty()) {
    figure.notes.push_back("Decoded: name=value of each field, without padding.");
  } else if (report.schema.kind == analysis::RecordSchema::Kind::kRaw) {
    figure.notes.push_back("In hexadecimal, two digits for each byte.");
  }
  figure.notes.push_back("Long values are cut; bytes that are not text appear as \\xNN.");
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::analyze_page
