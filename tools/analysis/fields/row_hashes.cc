#include "tools/analysis/fields/row_hashes.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "tools/analysis/bytes/in_parallel.h"

namespace inlay::analysis {
namespace {

// Above so many rows a table of all hashes is larger than caches are. Two passes over the rows put
// half of the hashes each into a table of half the size.
constexpr size_t kOnePassRows = size_t{1} << 18;
// Rows whose hashes are known ahead, so that memory brings their slots in the meantime.
constexpr size_t kAhead = 32;
// Rows whose sums stay in the nearest cache while one field after the other is added.
constexpr size_t kBlockRows = 1024;

// The finalizer of SplitMix64: every bit of the result depends on every bit of `number`.
uint64_t Mixed(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58'476d'1ce4'e5b9;
  number = (number ^ (number >> 27)) * 0x94d0'49bb'1331'11eb;
  return number ^ (number >> 31);
}

// A slot is free, or has the upper half of a hash's high part, and 1 + the row.
uint64_t TagIn(uint64_t slot_or_high) { return slot_or_high >> 32; }
size_t RowIn(uint64_t slot) { return static_cast<size_t>(slot & UINT32_MAX) - 1; }
size_t HomeOf(uint64_t low, size_t slots) { return (low >> 32) * slots >> 32; }

}  // namespace

RowHashes::RowHashes(const FieldCodes& codes)
    : codes_(codes), included_(codes.fields.size()), rows_(codes.values()) {}

RowHashes::Hash RowHashes::HashOf(size_t field, uint32_t code) {
  const uint64_t both = uint64_t{field} << 32 | code;
  return {Mixed(both + 0x9e37'79b9'7f4a'7c15), Mixed(both ^ 0xd1b5'4a32'd192'ed03)};
}

void RowHashes::IncludeAll(const std::vector<size_t>& fields, size_t threads) {
  for (const size_t field : fields) {
    assert(!included_[field]);
    included_[field] = true;
  }
  ForEachCell(fields, threads, [](Hash& row, const Hash& hash) {
    row.low += hash.low;
    row.high += hash.high;
  });
}

void RowHashes::ExcludeAll(const std::vector<size_t>& fields) {
  for (const size_t field : fields) {
    assert(included_[field]);
    included_[field] = false;
  }
  ForEachCell(fields, 1, [](Hash& row, const Hash& hash) {
    row.low -= hash.low;
    row.high -= hash.high;
  });
}

template <typename Change>
void RowHashes::ForEachCell(const std::vector<size_t>& fields, size_t threads, Change change) {
  const size_t blocks = (rows_.size() + kBlockRows - 1) / kBlockRows;
  const size_t parts = std::clamp<size_t>(blocks / 16, 1, std::max<size_t>(threads, 1));
  InParallel(parts, [&](size_t part) {
    for (size_t block = blocks * part / parts; block < blocks * (part + 1) / parts; ++block) {
      const size_t last = std::min((block + 1) * kBlockRows, rows_.size());
      for (const size_t field : fields) {
        const uint32_t* const codes = codes_.fields[field].codes.data();
        for (size_t row = block * kBlockRows; row < last; ++row) {
          change(rows_[row], HashOf(field, codes[row]));
        }
      }
    }
  });
}

size_t RowHashes::passes() const { return rows_.size() > kOnePassRows ? 2 : 1; }

// Calls on_first(row) in order for each row of the pass whose hash no row before it has; may stop
// when there have been more than `limit`.
template <typename HashOfRow, typename OnFirst>
void RowHashes::ForEachFirst(size_t pass, HashOfRow hash_of_row, OnFirst on_first, uint64_t limit,
                             Scratch* scratch) const {
  struct Coming {
    Hash hash;
    size_t row;
  };
  const bool all = passes() == 1;
  const size_t most = std::min<uint64_t>(all ? rows_.size() : rows_.size() / 2, limit);
  auto& slots = scratch->slots_;
  slots.assign(most / 2 * 3 + 8 * kAhead, 0);
  const auto find_slot = [&](const Hash& hash) {
    size_t at = HomeOf(hash.low, slots.size());
    for (; slots[at] != 0; at = at + 1 < slots.size() ? at + 1 : 0) {
      if (TagIn(slots[at]) != TagIn(hash.high)) continue;
      const Hash other = hash_of_row(RowIn(slots[at]));
      if (other.low == hash.low && other.high == hash.high) break;
    }
    return at;
  };
  uint64_t distinct = 0;
  Coming coming[kAhead];
  for (size_t first = 0; first < rows_.size() && distinct <= limit; first += kAhead) {
    const size_t last = std::min(first + kAhead, rows_.size());
    size_t count = 0;
    for (size_t row = first; row < last; ++row) {
      coming[count] = {hash_of_row(row), row};
      count += all || (coming[count].hash.high & 1) == pass ? 1 : 0;
    }
    for (size_t i = 0; i < count; ++i) {
      __builtin_prefetch(&slots[HomeOf(coming[i].hash.low, slots.size())], 1);
    }
    for (size_t i = 0; i < count; ++i) {
      const uint64_t slot = slots[HomeOf(coming[i].hash.low, slots.size())];
      if (slot != 0 && TagIn(slot) == TagIn(coming[i].hash.high)) {
        __builtin_prefetch(&rows_[RowIn(slot)]);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      const size_t at = find_slot(coming[i].hash);
      if (slots[at] != 0) continue;
      slots[at] = TagIn(coming[i].hash.high) << 32 | (coming[i].row + 1);
      ++distinct;
      on_first(coming[i].row);
    }
    // More than half of the hashes can belong to a pass only by chance, and so hardly ever do.
    if ((distinct + kAhead) * 8 <= slots.size() * 7) continue;
    auto had = std::move(slots);
    slots.assign(2 * had.size(), 0);
    for (const uint64_t slot : had) {
      if (slot != 0) slots[find_slot(hash_of_row(RowIn(slot)))] = slot;
    }
  }
}

template <typename HashOfRow>
uint64_t RowHashes::Count(HashOfRow hash_of_row, uint64_t limit, Scratch* scratch) const {
  uint64_t distinct = 0;
  for (size_t pass = 0; pass < passes() && distinct <= limit; ++pass) {
    ForEachFirst(
        pass, hash_of_row, [&distinct](size_t) { ++distinct; }, limit - distinct, scratch);
  }
  return distinct;
}

uint64_t RowHashes::Distinct(Scratch* scratch, uint64_t limit) const {
  return Count([this](size_t row) { return rows_[row]; }, limit, scratch);
}

uint64_t RowHashes::Distinct(std::span<Scratch> scratches) const {
  if (scratches.size() < passes()) return Distinct(&scratches[0]);
  std::vector<uint64_t> distinct(passes());
  InParallel(distinct.size(), [&](size_t pass) {
    uint64_t in_pass = 0;
    ForEachFirst(
        pass, [this](size_t row) { return rows_[row]; }, [&in_pass](size_t) { ++in_pass; },
        kNoLimit, &scratches[pass]);
    distinct[pass] = in_pass;
  });
  return std::accumulate(distinct.begin(), distinct.end(), uint64_t{0});
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
  for (size_t pass = 0; pass < passes(); ++pass) {
    const auto before = static_cast<std::ptrdiff_t>(first_rows.size());
    ForEachFirst(
        pass, [this](size_t row) { return rows_[row]; },
        [&first_rows](size_t row) { first_rows.push_back(static_cast<uint32_t>(row)); }, kNoLimit,
        scratch);
    std::inplace_merge(first_rows.begin(), first_rows.begin() + before, first_rows.end());
  }
  return first_rows;
}

}  // namespace inlay::analysis
