// LongCells: finds cells in quotes that run over several lines, and those that are really rows
// between two stray quotes.
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
  // The place of a row in the input: its block, and its place within the block.
  using Place = std::pair<uint64_t, uint64_t>;

  // Looks at the cells of `row`; `name`, "FILE:LINE", is called when a message needs it.
  void Look(std::string_view row, const std::vector<RawCell>& cells, char delimiter, Place place,
            const std::function<std::string()>& name);

  // Appends the notes on the cells seen. REQUIRES: no Look() is running.
  void AddNotes(std::vector<InputNote>* notes) const;

 private:
  std::mutex mutex_;  // guards everything below
  uint64_t plain_ = 0;
  uint64_t swallowing_ = 0;  // cells that look like rows
  Place first_place_ = {};   // of the row with the first of them
  std::string first_name_ = {};
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_LONG_CELLS_H_
