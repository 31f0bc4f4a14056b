#include "tools/pages/analyze_page/verdict.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/report/report_words.h"
#include "tools/analysis/report/spoiler_words.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::LayoutCost;
using analysis::Report;
using numbers::Grouped;
using page::Text;

const LayoutCost& Layout(const Report& report, std::string_view name) {
  return *std::find_if(report.layouts.begin(), report.layouts.end(),
                       [name](const LayoutCost& layout) { return layout.name == name; });
}

std::string BytesOf(const Report& report, std::string_view layout) {
  return numbers::BytesPerSocket(Layout(report, layout).bytes_per_socket);
}

// "a, b and 3 more spoil it".
std::string WhoSpoils(const Report& report) {
  constexpr size_t kMaxNamed = 3;
  const size_t fields = report.joint_spoilers;
  const size_t named = fields > kMaxNamed + 1 ? kMaxNamed : fields;
  std::string text;
  for (size_t step = 0; step < named; ++step) {
    const bool last = step + 1 == fields;
    absl::StrAppend(&text, step == 0 ? "" : (last ? " and " : ", "),
                    ChartName(report.fields[report.spoilers.steps[step].field].name));
  }
  if (named < fields) absl::StrAppend(&text, " and ", fields - named, " more");
  return text + (fields == 1 ? " spoils it" : " spoil it");
}

// "16x fewer values than records; 9 bits; 4.59 B a socket instead of 296.00 B."
std::string Gain(const Report& report) {
  return absl::StrCat(numbers::TimesSign(report.dedup_ratio), " fewer values than records; ",
                      *report.index_bits, " bits; ", BytesOf(report, "index"),
                      " a socket instead of ", BytesOf(report, "pointer"), ".");
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
  if (!report.index_bits.has_value()) {
    return Text().Good("Yes, ").Plain("but there are more values than an index can name.");
  }
  return Text().Good("Yes: ").Plain(Gain(report));
}

// The number of values and the bits that they need, also while all of them change.
Text Widths(const Report& report) {
  Text text(absl::StrCat(report.exact ? "" : "About ",
                         numbers::Estimate(report.distinct, report.distinct_error), " distinct ",
                         report.distinct == 1 ? "value" : "values", " in ",
                         numbers::CountOf(report.records, "record"), ": ",
                         IndexWidthText(report.index_bits), ". While a change of all values ",
                         "rolls out, ", Grouped(report.rollout_distinct), " old and new ones: "));
  return text.Strong(IndexWidthText(report.rollout_index_bits)).Plain(".");
}

Text Bytes(const Report& report) {
  Text text("A socket takes ");
  text.Strong(BytesOf(report, "index"))
      .Plain(" with an index, its share of the table included; ")
      .Strong(BytesOf(report, "inline"))
      .Plain(" with the value in it; ")
      .Strong(BytesOf(report, "pointer"))
      .Plain(" in the kernel's layout of today.");
  return text;
}

}  // namespace

bool IndexPays(const Report& report) {
  return Layout(report, "index").total_bytes < Layout(report, "inline").total_bytes;
}

bool SplitShares(const Report& report) {
  return report.split.has_value() && !report.split->shared.empty();
}

std::vector<Text> Verdict(const Report& report) {
  std::vector<Text> verdict = {FirstLine(report)};
  if (report.records > 1) verdict.push_back(Widths(report));
  verdict.push_back(Bytes(report));
  std::string spoilers;
  if (report.records > 1) {
    for (const std::string& sentence : analysis::SpoilersVerdict(report)) {
      absl::StrAppend(&spoilers, spoilers.empty() ? "" : " ", ShortSentence(sentence));
    }
  }
  if (!spoilers.empty()) verdict.emplace_back(spoilers);
  return verdict;
}

}  // namespace inlay::analyze_page
