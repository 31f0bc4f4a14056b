// The head of the page: would the values deduplicate, at which width and size, and which fields
// spoil it?
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_ANALYZE_PAGE_VERDICT_H_
#define INLAY_TOOLS_PAGES_ANALYZE_PAGE_VERDICT_H_

#include <vector>

#include "tools/analysis/report/report.h"
#include "tools/pages/document/text.h"

namespace inlay::analyze_page {

// Whether a socket with an index takes less than one with the value in it.
bool IndexPays(const analysis::Report& report);

// Whether the report has a split with a shared group.
bool SplitShares(const analysis::Report& report);

// One paragraph each: yes or no, the values and widths, the bytes, the spoilers if known.
std::vector<page::Text> Verdict(const analysis::Report& report);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_VERDICT_H_
