// Cuts names and sentences to fit the page.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_ANALYZE_PAGE_SHORT_TEXT_H_
#define INLAY_TOOLS_PAGES_ANALYZE_PAGE_SHORT_TEXT_H_

#include <optional>
#include <string>

namespace inlay::analyze_page {

// "9 bits", "no index is wide enough".
std::string IndexWidthText(std::optional<int> index_bits);

// A sentence, cut if the names in it make it long.
std::string ShortSentence(const std::string& sentence);

// A name that fits beside a chart's axis.
std::string ChartName(const std::string& name);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_SHORT_TEXT_H_
