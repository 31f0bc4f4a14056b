#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/pages/bench_page/bars.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {

using page::Text;

std::optional<page::Section> BarsSection(const Measured& measured) {
  const std::vector<JudgedBar> bars = JudgeBars(measured.results);
  if (bars.empty()) return std::nullopt;
  page::Figure figure{.title = "Limits, and what was measured"};
  figure.table.columns = {{"", false}, {"figure"}, {"limit"}, {"of", false}, {"run", false}};
  for (const JudgedBar& bar : bars) {
    Text verdict;
    if (!bar.figure.has_value()) {
      verdict.Plain(bar.name.empty() ? "not understood" : "not measured");
    } else if (bar.met) {
      verdict.Good("met");
    } else {
      verdict.Bad("not met");
    }
    figure.table.rows.push_back(
        {.cells = {std::move(verdict),
                   bar.figure.has_value() ? numbers::Ratio(*bar.figure) : numbers::kNoNumber,
                   bar.name.empty() ? numbers::kNoNumber : numbers::Ratio(bar.limit),
                   Text::OfCode(bar.name.empty() ? bar.text : bar.name),
                   bar.file->context().program}});
  }
  for (const auto& file : measured.results.files()) {
    if (!file->context().bars.empty()) figure.commands.push_back(file->context().command);
  }
  const BarCounts counts = CountBars(measured.results);
  page::Section section{.id = "bars", .title = "Bars"};
  section.blocks.emplace_back(
      page::Paragraph{absl::StrCat("A bar is a ratio, or a counter, that must not pass a limit; "
                                   "the programs that measure decide "
                                   "them. ",
                                   counts.met, " met, ", counts.not_met, " not met, ",
                                   counts.not_measured, " not measured in these runs.")});
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::bench_page
