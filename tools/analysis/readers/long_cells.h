// LongCells: the cells in quotes that run over several lines, and whether some of them are rows
// that two stray quotes have swallowed.
//
// Thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_LONG_CELLS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_LONG_CELLS_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/values/input_note.h"

namespace inlay::analysis {

class LongCells {
 public:
  // Where a row is in the input: its block, and its place within it.
  using Place = std::pair<uint64_t, uint64_t>;

  // Looks at the cells of `row`; `name`, "FILE:LINE", is asked for when a message needs it.
  void Look(std::string_view row, const std::vector<RawCell>& cells, char delimiter, Place place,
            const std::function<std::string()>& name);

  // Appends the notes on what was seen. REQUIRES: no Look() is running.
  void AddNotes(std::vector<InputNote>* notes) const;

 private:
  std::mutex mutex_;  // guards everything below
  uint64_t plain_ = 0;
  uint64_t swallowing_ = 0;  // look like rows
  Place first_place_ = {};   // of the row of the first of them
  std::string first_name_ = {};
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_LONG_CELLS_H_
