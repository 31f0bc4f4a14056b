#include <optional>
#include <string>
#include <utility>

#include "tools/pages/analyze_page/analyze_page.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/verdict.h"

namespace inlay::analyze_page {
namespace {

constexpr size_t kMaxBriefValues = 5;
constexpr size_t kMaxBriefValueBytes = 48;

// The table of layouts without the column of words, which takes two lines for each.
page::Figure BriefLayouts(const analysis::Report& report) {
  page::Figure figure = LayoutFigure(report);
  figure.chart.reset();
  figure.table.columns.pop_back();
  for (page::Table::Row& row : figure.table.rows) row.cells.pop_back();
  return figure;
}

// Printable text, cut to fit one line of a table.
std::string Cut(const std::string& text) {
  if (text.size() <= kMaxBriefValueBytes) return text;
  size_t end = kMaxBriefValueBytes;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "...";
}

// The most frequent values, each on one line.
page::Figure BriefValues(const analysis::Report& report) {
  page::Figure figure = TopFigure(report, kMaxBriefValues);
  for (page::Table::Row& row : figure.table.rows) {
    row.cells.back() = page::Text::OfCode(Cut(row.cells.back().Words()));
  }
  return figure;
}

}  // namespace

page::Document BuildBrief(const analysis::Report& report) {
  page::Document document;
  document.subtitle = Subtitle(report);
  document.verdict = Verdict(report);
  const auto add = [&document](std::optional<page::Section> section) {
    if (section.has_value()) document.sections.push_back(*std::move(section));
  };
  add(NotesSection(report));
  add(TodoSection(report));
  page::Section tables;
  tables.blocks.emplace_back(BriefLayouts(report));
  if (!report.top.empty()) tables.blocks.emplace_back(BriefValues(report));
  document.sections.push_back(std::move(tables));
  add(MapSection(report));
  document.footer =
      "--full prints every section, --html FILE writes them as a page with charts, and --json is "
      "for programs.";
  return document;
}

}  // namespace inlay::analyze_page
