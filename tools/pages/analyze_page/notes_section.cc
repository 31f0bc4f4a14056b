#include <string>
#include <utility>

#include "tools/analysis/values/input_note.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"

namespace inlay::analyze_page {

std::optional<page::Section> NotesSection(const analysis::Report& report) {
  if (report.notes.empty()) return std::nullopt;
  page::BulletList list;
  for (const std::string& note : analysis::NoteTexts(report.notes)) {
    list.items.emplace_back(ShortSentence(note));
  }
  page::Section section{.id = "notes", .title = "Notes on the input"};
  section.blocks.emplace_back(std::move(list));
  return section;
}

}  // namespace inlay::analyze_page
