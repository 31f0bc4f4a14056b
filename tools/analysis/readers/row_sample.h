// Visits the first rows of a text, for guesses about it.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_ROW_SAMPLE_H_
#define INLAY_TOOLS_ANALYSIS_READERS_ROW_SAMPLE_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "tools/analysis/grammar/delimited_row.h"

namespace inlay::analysis {

inline constexpr size_t kSampledRows = 100;

// Calls visit(cells, row) for the first whole rows of `text`, until it returns false. The last row,
// which may be cut off, is visited only when it is the only one.
template <typename Visit>
void VisitRows(std::string_view text, const Dialect& dialect, Visit visit) {
  std::vector<RawCell> cells;
  size_t begin = 0;
  for (size_t i = 0; i < kSampledRows && begin < text.size(); ++i) {
    size_t end = FindRecordEnd(text, begin, dialect);
    if (end == std::string_view::npos) {
      if (i != 0) return;
      end = text.size();
    }
    const std::string_view row = WithoutLineEnd(text.substr(begin, end - begin));
    if (SplitRow(row, dialect, &cells) != RowError::kNone || !visit(cells, row)) return;
    begin = end;
  }
}

// The number of columns on which all sampled rows agree; 0 when they do not.
inline size_t AgreedColumns(std::string_view text, const Dialect& dialect) {
  size_t columns = 0;
  bool agreed = true;
  VisitRows(text, dialect, [&](const std::vector<RawCell>& cells, std::string_view) {
    if (columns == 0) columns = cells.size();
    agreed = cells.size() == columns;
    return agreed;
  });
  return agreed ? columns : 0;
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_ROW_SAMPLE_H_
