// The sections of the page, each in a file of its own, in the order of the page. The page omits
// empty sections.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_ANALYZE_PAGE_SECTIONS_H_
#define INLAY_TOOLS_PAGES_ANALYZE_PAGE_SECTIONS_H_

#include <cstddef>
#include <optional>
#include <string>

#include "tools/analysis/report/report.h"
#include "tools/pages/analyze_page/analyze_page.h"
#include "tools/pages/document/document.h"

namespace inlay::analyze_page {

// The kind of the data and its size: "TSV, 5 of 13 columns, 5,524 records."
std::string Subtitle(const analysis::Report& report);

// The tables of MemorySection() and TopSection(), with at most `max_values` top values.
page::Figure LayoutFigure(const analysis::Report& report);
page::Figure TopFigure(const analysis::Report& report, size_t max_values);

std::optional<page::Section> NotesSection(const analysis::Report& report);
// The layout to choose, and the next steps.
std::optional<page::Section> TodoSection(const analysis::Report& report);
page::Section ValuesSection(const analysis::Report& report);
std::optional<page::Section> SpoilersSection(const analysis::Report& report);
page::Section MemorySection(const analysis::Report& report);
std::optional<page::Section> BreakEvenSection(const analysis::Report& report);
std::optional<page::Section> SplitSection(const analysis::Report& report);
std::optional<page::Section> GrowthSection(const analysis::Report& report);
std::optional<page::Section> SnapshotsSection(const analysis::Report& report);
page::Section CopiesSection(const analysis::Report& report);
std::optional<page::Section> TopSection(const analysis::Report& report);
page::Section FieldsSection(const analysis::Report& report);
// The declaration of a map of inlay.bpf.h in place of the captured socket storage, to paste.
std::optional<page::Section> MapSection(const analysis::Report& report);
page::Section GlossarySection(const analysis::Report& report);
page::Section OriginSection(const analysis::Report& report, const Origin& origin);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_SECTIONS_H_
