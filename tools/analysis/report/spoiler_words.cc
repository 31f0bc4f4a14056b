#include "tools/analysis/report/spoiler_words.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analysis {
namespace {

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
  return "No small set of fields spoils it: most of the fields must be left out to halve the "
         "values.";
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

}  // namespace inlay::analysis
