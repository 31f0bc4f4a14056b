// What spoils the values, in words and as a table for people.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_REPORT_SPOILERS_TEXT_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_REPORT_SPOILERS_TEXT_H_

#include <string>
#include <vector>

#include "tools/analysis/report/report.h"

namespace inlay::analysis {

// The fields that spoil the values together, as in "sport, dport and pcap"; empty if there are
// none.
std::string SpoilerNames(const Report& report);

// Whether there is anything to say: the values differ, and have two fields or more.
bool SpoilersAreKnown(const Report& report);

// What spoils the values, or why nothing does, in sentences; none unless SpoilersAreKnown().
std::vector<std::string> SpoilersVerdict(const Report& report);

// The section of the text report; empty if the values are equal, or have fewer than two fields.
std::string FormatSpoilers(const Report& report);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_REPORT_SPOILERS_TEXT_H_
