#include "tools/analysis/report/report_spoilers_text.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/text_table.h"

namespace inlay::analysis {
namespace {

using enum numbers::TextTable::Align;

std::string Ratio(const Report& report, uint64_t distinct) {
  return numbers::GroupedDecimal(
      static_cast<double>(report.codes.records) / static_cast<double>(distinct), 2);
}

std::string IndexBits(uint64_t distinct) {
  const std::optional<int> bits = SmallestIndexBits(distinct);
  return bits.has_value() ? absl::StrCat(*bits) : "none fits";
}

std::string WhyNothingSpoils(const Report& report) {
  if (SharesCheaply(report.layout_input)) {
    return absl::StrCat("Nothing is spoiled: with all fields, the ",
                        numbers::Grouped(report.distinct),
                        " values cost next to nothing per socket.");
  }
  if (report.spoilers.steps.back().distinct > report.spoilers.distinct / 2) {
    return absl::StrCat("No field spoils it: even without ",
                        report.spoilers.steps.size() == 1 ? "this one" : "all of these",
                        ", more than half of the values are left.");
  }
  return "No few fields spoil it: half of the values are left only without most of the fields.";
}

}  // namespace

std::string SpoilerNames(const Report& report) {
  std::string text;
  for (size_t step = 0; step < report.joint_spoilers; ++step) {
    const bool last = step + 1 == report.joint_spoilers;
    absl::StrAppend(&text, step == 0 ? "" : (last ? " and " : ", "),
                    PrintableFieldName(report.fields[report.spoilers.steps[step].field].name));
  }
  return text;
}

std::vector<std::string> SpoilersVerdict(const Report& report) {
  if (!SpoilersAreKnown(report)) return {};
  if (report.joint_spoilers == 0) return {WhyNothingSpoils(report)};
  const uint64_t distinct = report.spoilers.steps[report.joint_spoilers - 1].distinct;
  const std::string names = SpoilerNames(report);
  const std::string left =
      absl::StrCat(numbers::Grouped(distinct), " of ", numbers::Grouped(report.spoilers.distinct),
                   distinct == 1 ? " distinct values is left." : " distinct values are left.");
  if (report.joint_spoilers == 1) {
    return {absl::StrCat("The spoiler is ", names, ": without it ", left)};
  }
  return {absl::StrCat("These ", report.joint_spoilers, " fields spoil it together: ", names, "."),
          absl::StrCat("Without them ", left)};
}

bool SpoilersAreKnown(const Report& report) {
  return report.fields.size() >= 2 && !report.spoilers.steps.empty();
}

std::string FormatSpoilers(const Report& report) {
  if (!SpoilersAreKnown(report)) return "";
  numbers::TextTable table({kLeft, kRight, kRight, kRight, kRight});
  table.AddRow({"left out", "distinct", "", "ratio", "index bits"});
  const auto add = [&](const std::string& name, uint64_t distinct) {
    table.AddRow({name, numbers::Grouped(distinct),
                  numbers::Percent(distinct, report.spoilers.distinct), Ratio(report, distinct),
                  IndexBits(distinct)});
  };
  add("nothing", report.spoilers.distinct);
  for (const SpoilerStep& step : report.spoilers.steps) {
    const std::string name = PrintableFieldName(report.fields[step.field].name);
    add(absl::StrCat(&step == &report.spoilers.steps.front() ? "" : "and ", name), step.distinct);
  }
  return absl::StrCat("\nWhat spoils it: the values that are left without some fields\n  ",
                      absl::StrJoin(SpoilersVerdict(report), "\n  "), "\n",
                      report.fields_exact
                          ? ""
                          : "  These figures, and those of the fields, are of a sample "
                            "of the values.\n",
                      table.Format());
}

}  // namespace inlay::analysis
