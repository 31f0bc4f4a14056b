#include "tools/analysis/report/gate.h"

#include <array>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/report/spoiler_words.h"

namespace inlay::analysis {
namespace {

// With as many digits as tell it from every other number, so that 1.9999 does not read as 2.
std::string Precise(double number) {
  std::array<char, 64> digits = {};
  const std::to_chars_result end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return {digits.data(), end.ptr};
}

}  // namespace

std::vector<std::string> BrokenLimits(const Report& report, const GateLimits& limits) {
  std::vector<std::string> broken;
  if (limits.max_distinct.has_value() && report.distinct > *limits.max_distinct) {
    broken.push_back(absl::StrCat("--max-distinct ", *limits.max_distinct, ": ", report.distinct,
                                  " values are distinct"));
  }
  if (limits.min_ratio.has_value() && report.dedup_ratio < *limits.min_ratio) {
    broken.push_back(absl::StrCat("--min-ratio ", Precise(*limits.min_ratio),
                                  ": the dedup ratio is ", Precise(report.dedup_ratio), " (",
                                  report.records, " records, ", report.distinct,
                                  " distinct values)"));
  }
  if (limits.max_index_bits.has_value() &&
      (!report.index_bits.has_value() || *report.index_bits > *limits.max_index_bits)) {
    const std::string measured =
        report.index_bits.has_value()
            ? absl::StrCat("the index needs ", *report.index_bits, " bits")
            : absl::StrCat("no index of ", kMaxIndexBits, " bits or less is wide enough");
    broken.push_back(absl::StrCat("--max-index-bits ", *limits.max_index_bits, ": ", measured,
                                  " for ", report.distinct, " distinct values"));
  }
  if (limits.fail_on_spoiler && report.joint_spoilers > 0) {
    broken.push_back(absl::StrCat("--fail-on-spoiler: without ", SpoilerNames(report), ", ",
                                  report.spoilers.steps[report.joint_spoilers - 1].distinct, " of ",
                                  report.spoilers.distinct, " distinct values are left",
                                  report.fields_exact ? "" : ", of a sample"));
  }
  return broken;
}

}  // namespace inlay::analysis
