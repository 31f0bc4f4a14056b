// CellCodes: gives equal cells of a field equal numbers, 0, 1, 2.. in the order of appearance.
//
// Cells of up to 8 bytes, as most are, are compared as one number, and not kept; longer ones must
// stay where they are. Memory: 12 bytes for each distinct cell, and 11 to 16 for its slot. Not
// thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_CELL_CODES_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_CELL_CODES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tools/analysis/values/large_pages.h"
#include "tools/analysis/values/steady_array.h"

namespace inlay::analysis {

class CellCodes {
 public:
  using Cell = std::span<const uint8_t>;

  // `most` are the distinct cells that there can be, below 2^32.
  explicit CellCodes(size_t most) : most_(most) {}

  // Stores the code of each cell. REQUIRES: cells shorter than 4 GiB.
  void Encode(std::span<const Cell> cells, uint32_t* codes);

  size_t distinct() const { return keys_.size(); }

 private:
  // What a cell is told apart by.
  struct Coming {
    uint64_t key;  // its bytes, or the address of more than 8 of them
    uint32_t length;
    uint32_t tag;
  };

  static Coming Look(Cell cell);
  bool IsSame(uint32_t code, const Coming& coming) const;
  void MakeRoom(size_t more);
  uint32_t CodeOf(const Coming& coming);
  size_t HomeOf(uint32_t tag) const { return uint64_t{tag} * slots_.size() >> 32; }

  size_t most_;
  // 0: free. Else the tag, then 1 + the code; in the order of tags.
  std::vector<uint64_t, LargePages<uint64_t>> slots_;
  SteadyArray<uint64_t> keys_;
  SteadyArray<uint32_t> lengths_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_CELL_CODES_H_
