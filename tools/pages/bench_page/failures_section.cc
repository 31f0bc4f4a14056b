#include "tools/pages/bench_page/sections.h"

namespace inlay::bench_page {

std::optional<page::Section> FailuresSection(const Measured& measured) {
  page::Figure figure{.title = "Benchmarks that ended with an error, and have no figures here"};
  figure.table.columns = {{"", false}, {"error", false}};
  for (const auto& file : measured.results.files()) {
    for (const Failure& failure : file->failures()) {
      figure.table.rows.push_back(
          {.cells = {page::Text::OfCode(failure.run_name), failure.message}});
    }
    if (!file->failures().empty()) figure.commands.push_back(file->context().command);
  }
  if (figure.table.empty()) return std::nullopt;
  page::Section section{.id = "failures", .title = "What failed"};
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::bench_page
