// The sections of the report. A section without measurements is nothing.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_SECTIONS_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_SECTIONS_H_

#include <optional>

#include "tools/pages/bench_page/groups.h"
#include "tools/pages/bench_results/results.h"
#include "tools/pages/document/document.h"
#include "tools/pages/document/picture_file.h"

namespace inlay::bench_page {

// Results, and the sizes that the report prefers.
struct Measured {
  const Results& results;
  Arguments base;  // BaseSizes()
};

// Always present: the context of the run, the headline table, and its conclusions.
page::Section HeadlineSection(const Measured& measured);
// The table alone.
page::Table HeadlineTable(const Measured& measured);
// The facts without a column in the table; may be empty.
page::Text HeadlineNote(const Measured& measured);
// The table's column of gets as a picture; nothing if none was measured.
std::optional<page::Picture> HeadlinePicture(const Measured& measured);

std::optional<page::Section> GetSection(const Measured& measured);
std::optional<page::Section> MemorySection(const Measured& measured);
std::optional<page::Section> BreakEvenSection(const Measured& measured);
std::optional<page::Section> WriteSection(const Measured& measured);
std::optional<page::Section> ThreadsSection(const Measured& measured);
std::optional<page::Section> CountsSection(const Measured& measured);
std::optional<page::Section> MapCountSection(const Measured& measured);
std::optional<page::Section> PeersSection(const Measured& measured);
std::optional<page::Section> KernelSection(const Measured& measured);
std::optional<page::Section> BarsSection(const Measured& measured);
std::optional<page::Section> FailuresSection(const Measured& measured);
page::Section MethodSection(const Measured& measured);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_SECTIONS_H_
