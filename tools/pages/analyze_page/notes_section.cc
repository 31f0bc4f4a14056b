#include <string>
#include <utility>

#include "tools/analysis/report/next_steps.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"

namespace inlay::analyze_page {
namespace {

page::BulletList Sentences(const std::vector<std::string>& sentences) {
  page::BulletList list;
  for (const std::string& sentence : sentences) {
    list.items.emplace_back(ShortSentence(sentence));
  }
  return list;
}

}  // namespace

std::optional<page::Section> NotesSection(const analysis::Report& report) {
  const std::vector<std::string> steps = analysis::NextSteps(report);
  if (report.notes.empty() && steps.empty()) return std::nullopt;
  page::Section section{.id = "notes", .title = report.notes.empty() ? "What next" : "Notes"};
  if (!report.notes.empty())
    section.blocks.emplace_back(Sentences(analysis::NoteTexts(report.notes)));
  if (!steps.empty()) {
    if (!report.notes.empty()) section.blocks.emplace_back(page::Subheading{"What next"});
    section.blocks.emplace_back(Sentences(steps));
  }
  return section;
}

}  // namespace inlay::analyze_page
