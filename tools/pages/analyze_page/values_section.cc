#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::Report;
using numbers::Grouped;
using numbers::GroupedDecimal;
using numbers::Percent;
using page::Text;

page::Tiles Headline(const Report& report) {
  page::Tiles tiles;
  tiles.tiles.push_back({.figure = Grouped(report.distinct),
                         .unit = report.distinct == 1 ? "distinct value" : "distinct values",
                         .note = absl::StrCat(report.exact ? "" : "estimated; ", "of ",
                                              numbers::CountOf(report.records, "record"))});
  tiles.tiles.push_back({.figure = GroupedDecimal(report.dedup_ratio, 2),
                         .unit = "dedup ratio",
                         .note = "records per distinct value; 1 means that no two are equal"});
  page::Tiles::Tile width{.figure = "none", .unit = "fits", .note = "index width: above 16 bits"};
  if (report.rollout_index_bits.has_value()) {
    width = {.figure = absl::StrCat(*report.rollout_index_bits),
             .unit = "bits",
             .note = absl::StrCat("index width while all values change; ", *report.index_bits,
                                  " for the live values alone")};
  } else if (report.index_bits.has_value()) {
    width = {.figure = absl::StrCat(*report.index_bits),
             .unit = "bits",
             .note = "index width: names the live values, but not old and new ones together"};
  }
  tiles.tiles.push_back(std::move(width));
  return tiles;
}

std::string IndexMeaning(const Report& report) {
  if (!report.index_bits.has_value()) {
    return absl::StrCat("The widest index, ", analysis::kMaxIndexBits, " bits, names ",
                        Grouped(analysis::IndexCapacity(analysis::kMaxIndexBits)),
                        " values; two codes mean absent and private.");
  }
  const uint64_t capacity = analysis::IndexCapacity(*report.index_bits);
  return absl::StrCat("The smallest index that names every live value. It has ", Grouped(capacity),
                      " codes for values, and is ", Percent(report.distinct, capacity), " full.");
}

std::string SizeMeaning(const Report& report) {
  const bool is_binary = report.schema.kind == analysis::RecordSchema::Kind::kRaw ||
                         report.schema.binary_bytes.has_value();
  return is_binary ? "The bytes of a value in memory."
                   : "The bytes of the longest value's text, its cells with what separates them. A "
                     "struct of the same columns is usually smaller.";
}

page::Figure Figures(const Report& report) {
  page::Figure figure{.title = "What was counted"};
  figure.table.columns = {{"", false}, {"figure"}, {"what it means", false}};
  const auto add = [&figure](const std::string& name, const std::string& number,
                             const std::string& meaning) {
    figure.table.rows.push_back({.cells = {name, number, meaning}});
  };
  add("records", Grouped(report.records),
      "Each record is the value that one socket keeps, or one snapshot of it.");
  add("distinct values", numbers::Estimate(report.distinct, report.distinct_error),
      absl::StrCat("How many values differ: ", Percent(report.distinct, report.records),
                   " of the records."));
  if (report.distinct_by_fields.value_or(report.distinct) != report.distinct) {
    const double by_fields =
        static_cast<double>(report.records) / static_cast<double>(*report.distinct_by_fields);
    add("distinct by fields", Grouped(*report.distinct_by_fields),
        absl::StrCat("How many differ in a field: padding, which belongs to none, differs in the "
                     "others. ",
                     numbers::TimesSign(report.dedup_ratio), " by bytes, ",
                     numbers::TimesSign(by_fields), " by fields."));
  }
  add("dedup ratio", GroupedDecimal(report.dedup_ratio, 2),
      "Records per distinct value, on average.");
  add("occur once", numbers::Estimate(report.singletons, report.singletons_error),
      absl::StrCat("Values that a single record holds: ",
                   Percent(report.singletons, report.distinct), " of the distinct values, ",
                   Percent(report.singletons, report.records), " of the records."));
  add("entropy", numbers::Estimate(report.entropy_bits, report.entropy_bits_error, 2) + " bits",
      "The least that any code for the values needs per record, on average. An index has a fixed "
      "width, and needs at least as many.");
  add("value size", Grouped(report.value_bytes) + " B", SizeMeaning(report));
  add("index width, live values", IndexWidthText(report.index_bits), IndexMeaning(report));
  add("values during a change", Grouped(report.rollout_distinct),
      "While a change of every value is rolled out, the table holds old and new values: twice the "
      "live ones. A value that no socket has any more keeps its index for two grace periods.");
  add("index width, during a change", IndexWidthText(report.rollout_index_bits),
      "The smallest index that names old and new values together. A narrower one leaves sockets "
      "with a private copy. Changes in quick succession need room for three times the live "
      "values.");
  if (!report.exact) {
    figure.notes.push_back(
        "± marks an estimate: all distinct values did not fit into the memory that was allowed, so "
        "a sample of them was counted. 19 of 20 times the truth is within the error. The records "
        "are all counted; the ratio, the width and the bytes of memory are computed from the "
        "estimate and inherit its error.");
  }
  return figure;
}

}  // namespace

page::Section ValuesSection(const Report& report) {
  page::Section section{.id = "values", .title = "The values"};
  section.blocks.emplace_back(Headline(report));
  section.blocks.emplace_back(Figures(report));
  return section;
}

}  // namespace inlay::analyze_page
