// How names and figures are shown on the page, beside what report_words.h and shown_numbers.h have.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_ANALYZE_PAGE_SHOWN_H_
#define INLAY_TOOLS_PAGES_ANALYZE_PAGE_SHOWN_H_

#include <cstdint>
#include <optional>
#include <string>

namespace inlay::analyze_page {

// "1,234 ± 56"; the error is left out where it is 0.
std::string ShownEstimate(uint64_t figure, double error);
std::string ShownEstimate(double figure, double error, int decimals);

// "2.33 B", with a space that no line ends at.
std::string ShownBytes(double bytes);

// A count that need not be whole, as in "1,234" or "1.5e+20".
std::string ShownCount(double count);

// "9 bits", "no index is wide enough".
std::string ShownIndexWidth(std::optional<int> index_bits);

// "1 field", "3 fields"; the plural is that of most words.
std::string Counted(uint64_t number, const std::string& word);

// A sentence, cut if the names in it are too many.
std::string ShownSentence(const std::string& sentence);

// Words without the line feeds that break them in the text report.
std::string OneLine(std::string words);

// A name that has room in a chart, cut if it is long.
std::string ChartName(const std::string& name);

}  // namespace inlay::analyze_page

#endif  // INLAY_TOOLS_PAGES_ANALYZE_PAGE_SHOWN_H_
