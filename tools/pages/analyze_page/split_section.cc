#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::SplitAdvice;
using numbers::ByteSize;
using numbers::Grouped;
using page::Text;

constexpr size_t kMaxListedNames = 100;
// The most C text: the members of some thousand fields.
constexpr size_t kMostCodeBytes = 200'000;

std::string NameList(const analysis::FieldNames& names) {
  std::vector<std::string> listed;
  for (const std::string& name : names.members) {
    if (listed.size() == kMaxListedNames) break;
    listed.push_back(analysis::PrintableFieldName(name));
  }
  std::string text = absl::StrJoin(listed, ", ");
  if (listed.size() < names.members.size()) {
    absl::StrAppend(&text, " and ", Grouped(names.members.size() - listed.size()), " more");
  }
  return text;
}

page::Figure Costs(const SplitAdvice& split) {
  page::Figure figure{.title = "Bytes per socket"};
  page::BarChart chart{
      .description = "Bytes per socket of all fields private, all shared, and split",
      .unit = "bytes per socket",
      .groups = {page::BarChart::Group{}}};
  figure.table.columns = {{"stored", false}, {"per socket"}, {"", false}};
  const auto add = [&](const std::string& series, const std::string& name, double bytes,
                       const std::string& remark) {
    figure.table.rows.push_back(
        {.series = series, .cells = {name, numbers::BytesPerSocket(bytes), remark}});
    chart.groups.front().bars.push_back({.series = series,
                                         .label = name,
                                         .value = bytes,
                                         .value_text = numbers::BytesPerSocket(bytes)});
    absl::StrAppend(&chart.description, "; ", name, " ", numbers::BytesPerSocket(bytes));
  };
  add("inline", "all private", split.all_private_bytes, "one struct in every socket");
  if (split.all_shared_bytes.has_value()) {
    add("index", "all shared", *split.all_shared_bytes, "one index in every socket");
  } else {
    figure.table.rows.push_back(
        {.series = "index", .cells = {"all shared", "-", "no index is wide enough"}});
  }
  add("split", "split", split.bytes_per_socket,
      split.exact ? "no split costs less"
                  : "a good one; too many fields or values to try every split");
  figure.chart = std::move(chart);
  figure.notes.push_back(
      absl::StrCat("The figures include the tables and ", numbers::BytesPerSocket(split.write_cost),
                   " for the writes of each shared group: every change of a value needs a "
                   "lookup, and a new value an entry in the table."));
  return figure;
}

page::Figure Parts(const SplitAdvice& split) {
  page::Figure figure{.title = "The parts"};
  figure.table.columns = {{"part", false},   {"values"}, {"index"},
                          {"struct, bytes"}, {"table"},  {"fields", false}};
  for (const analysis::SharedGroup& group : split.shared) {
    figure.table.rows.push_back(
        {.series = "index",
         .cells = {Text::OfCode(analysis::PrintableFieldName(group.struct_name)),
                   Grouped(group.distinct), absl::StrCat(group.index_bits, " bits"),
                   Grouped(group.struct_bytes), ByteSize(group.table_bytes),
                   NameList(group.names)}});
  }
  if (!split.private_rest.members.empty()) {
    figure.table.rows.push_back({.series = "inline",
                                 .cells = {"private rest", "", "", Grouped(split.private_bytes), "",
                                           NameList(split.private_rest)}});
  }
  if (!split.constants.members.empty()) {
    figure.table.rows.push_back(
        {.cells = {"constants", "1 each", "", "", "", NameList(split.constants)}});
    figure.notes.push_back(
        "Constants are the same in all records: in no struct, and counted nowhere.");
  }
  if (!split.shared.empty()) {
    figure.notes.push_back(
        absl::StrCat("The indexes take ", split.index_bytes, " bytes of a socket together."));
  }
  return figure;
}

std::string WhyLeftOut(const analysis::Report& report) {
  if (report.split_left_out == analysis::SplitLeftOut::kSample) {
    return "Left out: the search needs all distinct values, and they do not fit into --memory.";
  }
  return absl::StrCat("Left out, since the search takes long for ", Grouped(report.distinct),
                      " values of ", Grouped(report.fields.size()),
                      " fields. --split runs it anyway.");
}

}  // namespace

std::optional<page::Section> SplitSection(const analysis::Report& report) {
  page::Section section{.id = "split", .title = "Which fields to share"};
  if (!report.split.has_value()) {
    if (report.split_left_out == analysis::SplitLeftOut::kNo) return std::nullopt;
    section.blocks.emplace_back(page::Paragraph{WhyLeftOut(report)});
    return section;
  }
  const SplitAdvice& split = *report.split;
  Text text(
      "A split puts each field into a shared group or into the private rest. A shared group is a "
      "struct "
      "of its own, of which a table has every distinct value once and the socket an index; the "
      "private "
      "rest is a struct in the socket. ");
  if (split.shared.empty()) {
    text.Strong("Keep everything private: no group of fields is worth a table of its own.");
  } else {
    text.Strong(absl::StrCat("The cheapest ", split.exact ? "" : "that was found ", "takes ",
                             numbers::BytesPerSocket(split.bytes_per_socket), " per socket, with ",
                             numbers::CountOf(split.shared.size(), "shared group"), "."));
  }
  section.blocks.emplace_back(page::Paragraph{std::move(text)});
  section.blocks.emplace_back(Costs(split));
  if (page::Figure parts = Parts(split); !parts.table.empty()) {
    section.blocks.emplace_back(std::move(parts));
  }
  if (split.c_structs.size() > kMostCodeBytes) {
    section.blocks.emplace_back(
        page::Paragraph{"The C structs are too long for this page; --json has them."});
  } else if (!split.c_structs.empty()) {
    section.blocks.emplace_back(
        page::CodeBlock{.title = "The structs, as C to paste", .code = split.c_structs});
  }
  return section;
}

}  // namespace inlay::analyze_page
