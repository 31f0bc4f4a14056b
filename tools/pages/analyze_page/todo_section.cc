#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/next_steps.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/analyze_page/verdict.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::Report;
using page::Text;

// The layout to choose; empty if the data does not decide.
Text Recommendation(const Report& report) {
  if (report.records == 1) return {};
  if (IndexPays(report)) {
    if (!report.index_bits.has_value()) return {};
    if (!report.rollout_index_bits.has_value()) {
      return "Share the values with an index of 16 bits. While all of them change at once, some "
             "sockets keep a private copy.";
    }
    Text text("Share the values with an ");
    text.Strong(absl::StrCat("index of ", *report.rollout_index_bits, " bits"));
    text.Plain(*report.rollout_index_bits == *report.index_bits
                   ? ", which has room for a change of all values."
                   : absl::StrCat(": with ", *report.index_bits,
                                  ", a change of all values leaves most sockets with a private "
                                  "copy."));
    return text.Plain(" Add one bit for changes in quick succession.");
  }
  if (SplitShares(report)) {
    Text text(
        "Share only a part of the fields. Split as in the section \"Which fields to share\", "
        "a struct of them takes ");
    text.Strong(numbers::BytesPerSocket(report.split->bytes_per_socket));
    return text.Plain(absl::StrCat(" a socket instead of ",
                                   numbers::BytesPerSocket(report.split->all_private_bytes), "."));
  }
  if (report.joint_spoilers > 0) return {};
  return "Keep each value in its socket: sharing saves nothing.";
}

}  // namespace

std::optional<page::Section> TodoSection(const Report& report) {
  page::BulletList list;
  if (Text recommendation = Recommendation(report); !recommendation.empty()) {
    list.items.push_back(std::move(recommendation));
  }
  for (const std::string& step : analysis::NextSteps(report)) {
    list.items.emplace_back(ShortSentence(step));
  }
  if (list.items.empty()) return std::nullopt;
  page::Section section{.id = "todo", .title = "What to do"};
  section.blocks.emplace_back(std::move(list));
  return section;
}

}  // namespace inlay::analyze_page
