#include "tools/analysis/readers/long_cells.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

// Whether the text of a cell of several lines looks like the rest of one row, whole rows of
// `columns` columns, and the start of another. Two stray quotes enclose exactly that.
bool LooksLikeRows(std::string_view text, char delimiter, size_t columns) {
  const auto ends_cell = [delimiter](char c) { return c == delimiter || c == '\n' || c == '\r'; };
  if (text.empty() || ends_cell(text.front()) || text.back() == delimiter) return true;
  if (columns == 1) return false;
  // A whole line within it that has as many columns as a row.
  for (size_t at = text.find('\n') + 1; at != 0;) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(at, end - at);
    if (std::count(line.begin(), line.end(), delimiter) + 1 ==
        static_cast<std::ptrdiff_t>(columns)) {
      return true;
    }
    at = end + 1;
  }
  return false;
}

}  // namespace

void LongCells::Look(std::string_view row, const std::vector<RawCell>& cells, char delimiter,
                     Place place, const std::function<std::string()>& name) {
  for (const RawCell& cell : cells) {
    const std::string_view text = row.substr(cell.begin, cell.end - cell.begin);
    if (text.find('\n') == std::string_view::npos) continue;
    // Only a cell in quotes has a line end.
    const bool swallows = LooksLikeRows(text.substr(1, text.size() - 2), delimiter, cells.size());
    std::lock_guard<std::mutex> lock(mutex_);
    ++(swallows ? swallowing_ : plain_);
    // Keeps the first one in the input, regardless of the order of threads.
    if (swallows && (first_name_.empty() || place < first_place_)) {
      first_place_ = place;
      first_name_ = name();
    }
  }
}

void LongCells::AddNotes(std::vector<InputNote>* notes) const {
  const auto cells = [](uint64_t count) {
    return absl::StrCat(count, count == 1 ? " cell" : " cells");
  };
  if (swallowing_ != 0) {
    notes->push_back(Doubt(absl::StrCat(
        first_name_, ": a quote starts a cell that spans several lines and looks like whole ",
        "rows; there ", swallowing_ == 1 ? "is " : "are ", cells(swallowing_),
        " like that. If quotes are plain text here, such cells swallowed rows: --no-quotes "
        "reads quotes as text.")));
  }
  if (plain_ != 0) {
    notes->push_back({absl::StrCat(cells(plain_), plain_ == 1 ? " runs" : " run",
                                   " over several lines, in quotes.")});
  }
}

}  // namespace inlay::analysis
