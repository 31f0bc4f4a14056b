#include "tools/analysis/fields/cell_codes.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {
namespace {

constexpr size_t kCellsAhead = 16;
constexpr size_t kFirstSlots = 64;
// Beyond this the table grows by half, so that it is never emptier than half.
constexpr size_t kDoubledSlots = 4096;
// A larger table is not in the nearest caches.
constexpr size_t kPrefetchCells = size_t{1} << 12;

uint64_t Load(const uint8_t* bytes, size_t count) {
  uint64_t number = 0;
  std::memcpy(&number, bytes, count);
  return number;
}

// 1 to 8 bytes as a number, with loads of fixed sizes that overlap.
uint64_t AsNumber(const uint8_t* bytes, size_t count) {
  if (count == 8) return Load(bytes, 8);
  if (count >= 4) return Load(bytes, 4) | Load(bytes + count - 4, 4) << (8 * (count - 4));
  if (count >= 2) return Load(bytes, 2) | Load(bytes + count - 2, 2) << (8 * (count - 2));
  return bytes[0];
}

uint64_t TagOfSlot(uint64_t slot) { return slot >> 32; }

}  // namespace

void CellCodes::Encode(std::span<const Cell> cells, uint32_t* codes) {
  Coming coming[kCellsAhead];
  for (size_t first = 0; first < cells.size(); first += kCellsAhead) {
    const size_t count = std::min(kCellsAhead, cells.size() - first);
    MakeRoom(count);
    for (size_t i = 0; i < count; ++i) {
      coming[i] = Look(cells[first + i]);
      __builtin_prefetch(&slots_[HomeOf(coming[i].tag)], 1);
    }
    if (keys_.size() > kPrefetchCells) {
      for (size_t i = 0; i < count; ++i) {
        const uint64_t slot = slots_[HomeOf(coming[i].tag)];
        if (slot == 0 || TagOfSlot(slot) != coming[i].tag) continue;
        const uint32_t code = static_cast<uint32_t>(slot) - 1;
        __builtin_prefetch(&keys_[code]);
        __builtin_prefetch(&lengths_[code]);
      }
    }
    for (size_t i = 0; i < count; ++i) codes[first + i] = CodeOf(coming[i]);
  }
}

CellCodes::Coming CellCodes::Look(Cell cell) {
  const auto length = static_cast<uint32_t>(cell.size());
  if (cell.size() > sizeof(uint64_t)) {
    return {std::bit_cast<uint64_t>(cell.data()), length,
            static_cast<uint32_t>(ValueCounter::HashOf(cell) >> 32)};
  }
  const uint64_t key = cell.empty() ? 0 : AsNumber(cell.data(), cell.size());
  uint64_t mixed = (key ^ uint64_t{length} << 60) * 0x9e37'79b9'7f4a'7c15;
  mixed = (mixed ^ mixed >> 32) * 0xbf58'476d'1ce4'e5b9;
  return {key, length, static_cast<uint32_t>(mixed >> 32)};
}

bool CellCodes::IsSame(uint32_t code, const Coming& coming) const {
  if (lengths_[code] != coming.length) return false;
  if (coming.length <= sizeof(uint64_t)) return keys_[code] == coming.key;
  return std::memcmp(std::bit_cast<const uint8_t*>(keys_[code]),
                     std::bit_cast<const uint8_t*>(coming.key), coming.length) == 0;
}

void CellCodes::MakeRoom(size_t more) {
  if ((keys_.size() + more) * 4 <= slots_.size() * 3) return;
  const size_t had = slots_.size();
  size_t size = had == 0 ? kFirstSlots : had < kDoubledSlots ? 2 * had : had + had / 2;
  // No more than what the last distinct cell needs, with the free slots behind it.
  size = std::max(std::min(size, most_ / 3 * 4 + kFirstSlots), (keys_.size() + more) * 4 / 3 + 1);
  auto slots = std::move(slots_);
  slots_.assign(size, 0);
  for (const uint64_t slot : slots) {
    if (slot == 0) continue;
    size_t at = HomeOf(static_cast<uint32_t>(TagOfSlot(slot)));
    while (slots_[at] != 0) at = at + 1 < size ? at + 1 : 0;
    slots_[at] = slot;
  }
}

uint32_t CellCodes::CodeOf(const Coming& coming) {
  size_t at = HomeOf(coming.tag);
  for (; slots_[at] != 0; at = at + 1 < slots_.size() ? at + 1 : 0) {
    const uint32_t code = static_cast<uint32_t>(slots_[at]) - 1;
    if (TagOfSlot(slots_[at]) == coming.tag && IsSame(code, coming)) return code;
  }
  const auto code = static_cast<uint32_t>(keys_.size());
  keys_.push_back(coming.key);
  lengths_.push_back(coming.length);
  slots_[at] = uint64_t{coming.tag} << 32 | (code + 1);
  return code;
}

}  // namespace inlay::analysis
