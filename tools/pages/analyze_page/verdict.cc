#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/report/report_spoilers_text.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::LayoutCost;
using analysis::Report;
using numbers::Grouped;
using numbers::GroupedDecimal;
using page::Text;

const LayoutCost& Layout(const Report& report, std::string_view name) {
  return *std::find_if(report.layouts.begin(), report.layouts.end(),
                       [name](const LayoutCost& layout) { return layout.name == name; });
}

// Whether a socket with an index takes less than one with the value in it.
bool IndexPays(const Report& report) {
  return Layout(report, "index").total_bytes < Layout(report, "inline").total_bytes;
}

bool SplitShares(const Report& report) {
  return report.split.has_value() && !report.split->shared.empty();
}

// "a, b and 3 more spoil it".
std::string WhoSpoils(const Report& report) {
  constexpr size_t kNamed = 3;
  const size_t fields = report.joint_spoilers;
  const size_t named = fields > kNamed + 1 ? kNamed : fields;
  std::string text;
  for (size_t step = 0; step < named; ++step) {
    const bool last = step + 1 == fields;
    absl::StrAppend(&text, step == 0 ? "" : (last ? " and " : ", "),
                    ChartName(report.fields[report.spoilers.steps[step].field].name));
  }
  if (named < fields) absl::StrAppend(&text, " and ", fields - named, " more");
  return text + (fields == 1 ? " spoils it" : " spoil it");
}

Text FirstLine(const Report& report) {
  const bool pays = IndexPays(report);
  const bool spoiled = report.joint_spoilers > 0;
  if (report.records == 1) return Text("One record cannot tell: give more of them.");
  if (!pays && spoiled) {
    return Text().Bad("Not as they are: ").Plain(absl::StrCat(WhoSpoils(report), "."));
  }
  if (!pays && SplitShares(report)) {
    return Text().Bad("Not as a whole: ").Plain("only a part of the fields repeats.");
  }
  if (report.distinct == report.records) {
    return Text().Bad("No: ").Plain(report.exact ? "no two values are equal."
                                                 : "hardly any two values are equal.");
  }
  if (!pays) return Text().Bad("No: ").Plain("sharing costs more than the values themselves.");
  if (spoiled) {
    return Text().Good("Yes, ").Plain(
        absl::StrCat("but less than they could: ", WhoSpoils(report), "."));
  }
  if (!report.index_bits.has_value()) {
    return Text().Good("Yes, ").Plain("but there are more values than an index can name.");
  }
  return Text().Good("Yes: ").Plain(
      absl::StrCat(numbers::TimesSign(report.dedup_ratio), " fewer values than records."));
}

std::string HowMany(const Report& report) {
  if (report.records == 1) return "";
  return absl::StrCat(Grouped(report.records), " records hold ", report.exact ? "" : "about ",
                      numbers::Estimate(report.distinct, report.distinct_error),
                      " distinct values, ", GroupedDecimal(report.dedup_ratio, 2),
                      " records for each on average. ");
}

Text WhatItTakes(const Report& report) {
  const LayoutCost& index = Layout(report, "index");
  Text text(HowMany(report));
  if (report.index_bits.has_value()) {
    text.Plain(absl::StrCat("With every distinct value once in a table, and an index of ",
                            *report.index_bits, " bits in each socket, a socket takes "));
  } else {
    text.Plain(absl::StrCat(
        "With the ", Grouped(analysis::IndexCapacity(analysis::kMaxIndexBits)),
        " most frequent values once in a table, an index in each socket, and a private copy where "
        "the value has no index, a socket takes "));
  }
  text.Strong(numbers::BytesPerSocket(index.bytes_per_socket));
  text.Plain(" all in all. The value in the socket itself takes ")
      .Strong(numbers::BytesPerSocket(Layout(report, "inline").bytes_per_socket));
  text.Plain(", the kernel's layout of today ")
      .Strong(numbers::BytesPerSocket(Layout(report, "pointer").bytes_per_socket))
      .Plain(".");
  return text;
}

}  // namespace

std::vector<Text> Verdict(const Report& report) {
  std::vector<Text> verdict = {FirstLine(report), WhatItTakes(report)};
  std::string rest;
  if (report.records > 1) {
    for (const std::string& sentence : analysis::SpoilersVerdict(report)) {
      absl::StrAppend(&rest, rest.empty() ? "" : " ", ShortSentence(sentence));
    }
  }
  if (SplitShares(report) && !IndexPays(report)) {
    absl::StrAppend(&rest, rest.empty() ? "" : " ",
                    "Split into a shared and a private part, a struct of these fields takes ",
                    numbers::BytesPerSocket(report.split->bytes_per_socket),
                    " per socket instead of ",
                    numbers::BytesPerSocket(report.split->all_private_bytes), ".");
  }
  if (!rest.empty()) verdict.emplace_back(rest);
  return verdict;
}

}  // namespace inlay::analyze_page
