#include "tools/analysis/fields/row_hashes.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace inlay::analysis {
namespace {

// The finalizer of SplitMix64: every bit of the result depends on every bit of `number`.
uint64_t Mixed(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58'476d'1ce4'e5b9;
  number = (number ^ (number >> 27)) * 0x94d0'49bb'1331'11eb;
  return number ^ (number >> 31);
}

}  // namespace

RowHashes::RowHashes(const FieldCodes& codes)
    : codes_(codes), included_(codes.fields.size()), rows_(codes.values()) {}

RowHashes::Hash RowHashes::HashOf(size_t field, uint32_t code) {
  const uint64_t both = uint64_t{field} << 32 | code;
  return {Mixed(both + 0x9e37'79b9'7f4a'7c15), Mixed(both ^ 0xd1b5'4a32'd192'ed03)};
}

void RowHashes::Include(size_t field) {
  assert(!included_[field]);
  included_[field] = true;
  const std::vector<uint32_t>& codes = codes_.fields[field].codes;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const Hash hash = HashOf(field, codes[row]);
    rows_[row].low += hash.low;
    rows_[row].high += hash.high;
  }
}

void RowHashes::Exclude(size_t field) {
  assert(included_[field]);
  included_[field] = false;
  const std::vector<uint32_t>& codes = codes_.fields[field].codes;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const Hash hash = HashOf(field, codes[row]);
    rows_[row].low -= hash.low;
    rows_[row].high -= hash.high;
  }
}

// Calls on_first(row) for each row whose hash no row before it has, in order; may stop when there
// have been more than `limit`.
template <typename HashOfRow, typename OnFirst>
void RowHashes::ForEachFirst(HashOfRow hash_of_row, OnFirst on_first, uint64_t limit,
                             Scratch* scratch) const {
  constexpr size_t kAhead = 8;
  const size_t most =
      std::min<uint64_t>(rows_.size(), limit < kNoLimit - kAhead ? limit + kAhead : limit);
  // {0, 0} is an empty slot; rows with that hash are treated apart.
  std::vector<Hash>& slots = scratch->slots_;
  slots.assign(std::bit_ceil(2 * most + 2), Hash{});
  const size_t mask = slots.size() - 1;
  uint64_t distinct = 0;
  bool any_zero = false;
  Hash coming[kAhead];
  for (size_t first = 0; first < rows_.size() && distinct <= limit; first += kAhead) {
    const size_t count = std::min(kAhead, rows_.size() - first);
    for (size_t i = 0; i < count; ++i) {
      coming[i] = hash_of_row(first + i);
      __builtin_prefetch(&slots[coming[i].low & mask], 1);
    }
    for (size_t i = 0; i < count; ++i) {
      const Hash& hash = coming[i];
      if ((hash.low | hash.high) == 0) {
        if (!any_zero) on_first(first + i);
        any_zero = true;
        continue;
      }
      size_t at = hash.low & mask;
      while ((slots[at].low | slots[at].high) != 0 &&
             (slots[at].low != hash.low || slots[at].high != hash.high)) {
        at = (at + 1) & mask;
      }
      if ((slots[at].low | slots[at].high) != 0) continue;
      slots[at] = hash;
      ++distinct;
      on_first(first + i);
    }
  }
}

template <typename HashOfRow>
uint64_t RowHashes::Count(HashOfRow hash_of_row, uint64_t limit, Scratch* scratch) const {
  uint64_t distinct = 0;
  ForEachFirst(
      hash_of_row, [&distinct](size_t) { ++distinct; }, limit, scratch);
  return distinct;
}

uint64_t RowHashes::Distinct(Scratch* scratch, uint64_t limit) const {
  return Count([this](size_t row) { return rows_[row]; }, limit, scratch);
}

uint64_t RowHashes::DistinctWith(size_t field, Scratch* scratch, uint64_t limit) const {
  assert(!included_[field]);
  const std::vector<uint32_t>& codes = codes_.fields[field].codes;
  const auto with = [&](size_t row) {
    const Hash hash = HashOf(field, codes[row]);
    return Hash{rows_[row].low + hash.low, rows_[row].high + hash.high};
  };
  return Count(with, limit, scratch);
}

uint64_t RowHashes::DistinctWithout(size_t field, Scratch* scratch, uint64_t limit) const {
  assert(included_[field]);
  const std::vector<uint32_t>& codes = codes_.fields[field].codes;
  const auto without = [&](size_t row) {
    const Hash hash = HashOf(field, codes[row]);
    return Hash{rows_[row].low - hash.low, rows_[row].high - hash.high};
  };
  return Count(without, limit, scratch);
}

std::vector<uint32_t> RowHashes::FirstRows(Scratch* scratch) const {
  std::vector<uint32_t> first_rows;
  ForEachFirst([this](size_t row) { return rows_[row]; },
               [&first_rows](size_t row) { first_rows.push_back(static_cast<uint32_t>(row)); },
               kNoLimit, scratch);
  return first_rows;
}

}  // namespace inlay::analysis
