// The fields that spoil the values, in words.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_SPOILER_WORDS_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_SPOILER_WORDS_H_

#include <string>
#include <vector>

#include "tools/analysis/report/report.h"

namespace inlay::analysis {

// The fields that spoil the values together, as in "sport, dport and pcap"; empty without spoilers.
std::string SpoilerNames(const Report& report);

// Whether spoilers can exist: the values differ and have two fields or more.
bool SpoilersAreKnown(const Report& report);

// The spoilers, or the reason why there are none, in sentences. Empty unless SpoilersAreKnown().
std::vector<std::string> SpoilersVerdict(const Report& report);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_SPOILER_WORDS_H_
