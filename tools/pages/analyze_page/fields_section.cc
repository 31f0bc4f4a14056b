#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::Report;
using numbers::Grouped;
using numbers::GroupedDecimal;
using page::Text;

page::Figure FieldTable(const Report& report) {
  const bool is_raw = report.schema.kind == analysis::RecordSchema::Kind::kRaw;
  const size_t listed = std::min(report.fields.size(), analysis::kMaxListedFields);
  page::Figure figure{.title = "Each field by itself"};
  figure.table.columns = {{"field", false}, {"distinct"}, {"entropy, bits"}, {"values without it"}};
  if (is_raw) {
    figure.table.columns.push_back({"offset"});
    figure.table.columns.push_back({"bytes"});
    figure.table.columns.push_back({"type", false});
  }
  figure.table.columns.push_back({"", false});
  for (size_t i = 0; i < listed; ++i) {
    const analysis::FieldStatistics& field = report.fields[i];
    page::Table::Row row{.cells = {analysis::PrintableFieldName(field.name),
                                   Grouped(field.distinct), GroupedDecimal(field.entropy_bits, 2),
                                   Grouped(field.distinct_without)}};
    if (is_raw) {
      row.cells.emplace_back(absl::StrCat(field.offset.value_or(0)));
      row.cells.emplace_back(absl::StrCat(field.bytes.value_or(0)));
      const std::string& type = report.codes.fields[i].field.type_name;
      row.cells.push_back(type.empty() ? Text("not known")
                                       : Text::OfCode(analysis::PrintableFieldName(type)));
    }
    row.cells.emplace_back(analysis::FieldRemark(report, i));
    figure.table.rows.push_back(std::move(row));
  }
  if (listed < report.fields.size()) {
    figure.notes.push_back(
        absl::StrCat(Grouped(report.fields.size() - listed), " more; --json has them all."));
  }
  return figure;
}

}  // namespace

page::Section FieldsSection(const Report& report) {
  page::Section section{.id = "fields", .title = "The fields"};
  const bool is_raw = report.schema.kind == analysis::RecordSchema::Kind::kRaw;
  const bool is_named = report.distinct_by_fields.has_value();
  Text text;
  if (is_raw && !is_named) {
    text.Plain(
        "The layout of the values is unknown. Each field here is a guess: a range of bytes that "
        "seem to belong together, judged by their variation. ");
    text.Code("--fields").Plain(" or ").Code("--btf").Plain(" names the real fields. ");
  } else {
    text.Plain(is_raw ? "A field is a member of the struct. "
                      : "A field is a column that was chosen. ");
  }
  text.Plain(
      "Distinct: the values that the field takes. Entropy: the least bits that any code for it "
      "needs "
      "on average. Values without it: the distinct values by all other fields together.");
  section.blocks.emplace_back(page::Paragraph{std::move(text)});
  page::Figure figure = FieldTable(report);
  if (!report.fields_exact) {
    figure.notes.push_back(
        "Estimated from a sample of the values: each field has at least as many distinct "
        "values as shown.");
  }
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::analyze_page
