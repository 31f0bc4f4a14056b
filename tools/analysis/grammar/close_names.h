// Names that a user may have meant.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_CLOSE_NAMES_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_CLOSE_NAMES_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace inlay::analysis {

// At most `most` of `names`, the closest to `name` first and of equally close ones the first in the
// alphabet. A name is close if at most one edit per three characters (insert, remove or replace
// one, ignoring case) turns it into `name`.
std::vector<std::string> CloseNames(std::string_view name, const std::set<std::string>& names,
                                    size_t most);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_CLOSE_NAMES_H_
