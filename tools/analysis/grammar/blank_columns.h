// Columns that are separated by runs of blanks, as tools print them for people: flow logs, netstat.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_BLANK_COLUMNS_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_BLANK_COLUMNS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "tools/analysis/grammar/delimited_row.h"

namespace inlay::analysis {

// The dialect of rows after CollapseBlanks().
inline constexpr Dialect kBlankDialect = {' ', false};

// Replaces every run of spaces and tabs in `text` by one space, and removes those at the start and
// the end of a line. Line ends stay unchanged. Returns the length of the result, which is at the
// start of `text`.
size_t CollapseBlanks(std::span<uint8_t> text);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_BLANK_COLUMNS_H_
