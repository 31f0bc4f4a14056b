// The page of benchmark results: all sections, as one document.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_BENCH_PAGE_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_BENCH_PAGE_H_

#include <string>

#include "tools/pages/bench_results/results.h"
#include "tools/pages/document/document.h"

namespace inlay::bench_page {

page::Document BuildBenchPage(const Results& results);

// The headline table as Markdown, after a line with the context that its figures need. Empty
// without its measurements.
std::string ReadmeTable(const Results& results);

// Its gets as a picture in an SVG file, with the same context. Empty without its measurements.
std::string ReadmeChart(const Results& results);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_BENCH_PAGE_H_
