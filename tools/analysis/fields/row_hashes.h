// RowHashes: counts the distinct values by some of the fields. The hash of a value is the sum of
// the hashes of its fields, so a field joins or leaves with one addition for each value.
//
// Memory: 16 bytes a value, and while it counts, 12 a value and thread; 6 where they are many, as
// it takes those in two halves.
//
// Counts are those of 128-bit hashes: for 100 million values the chance that any two that differ
// are taken for one is below 10^-22.
//
// Thread-safety: const functions may run concurrently, each with a scratch of its own.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_ROW_HASHES_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_ROW_HASHES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tools/analysis/fields/field_codes.h"
#include "tools/analysis/values/large_pages.h"

namespace inlay::analysis {

class RowHashes {
 public:
  // Memory that counting needs, kept from one count to the next.
  class Scratch {
   private:
    friend class RowHashes;
    std::vector<uint64_t, LargePages<uint64_t>> slots_;
  };

  static constexpr uint64_t kNoLimit = UINT64_MAX;

  // Counts no field yet. `codes` must outlive it.
  explicit RowHashes(const FieldCodes& codes);

  // Lets fields count that did not, with `threads` threads; or the other way round.
  void IncludeAll(const std::vector<size_t>& fields, size_t threads);
  void Include(size_t field) { IncludeAll({field}, 1); }
  void ExcludeAll(const std::vector<size_t>& fields);
  void Exclude(size_t field) { ExcludeAll({field}); }
  bool includes(size_t field) const { return included_[field]; }

  // The distinct values, by the fields that count; 1 if none does and there are values.
  // Where there are more than `limit`, counting may stop early with any number above it.
  uint64_t Distinct(Scratch* scratch, uint64_t limit = kNoLimit) const;
  // The same, on as many threads as there are scratches, if that pays. REQUIRES: one.
  uint64_t Distinct(std::span<Scratch> scratches) const;
  // The same with one field more, and with one less. Nothing changes.
  // REQUIRES: the field does not count, or does.
  uint64_t DistinctWith(size_t field, Scratch* scratch, uint64_t limit = kNoLimit) const;
  uint64_t DistinctWithout(size_t field, Scratch* scratch, uint64_t limit = kNoLimit) const;

  // Of each distinct value, by the fields that count, the first row that has it; ascending.
  std::vector<uint32_t> FirstRows(Scratch* scratch) const;

  size_t rows() const { return rows_.size(); }

 private:
  struct Hash {
    uint64_t low = 0;
    uint64_t high = 0;
  };

  static Hash HashOf(size_t field, uint32_t code);
  template <typename Change>
  void ForEachCell(const std::vector<size_t>& fields, size_t threads, Change change);
  size_t passes() const;
  template <typename HashOfRow, typename OnFirst>
  void ForEachFirst(size_t pass, HashOfRow hash_of_row, OnFirst on_first, uint64_t limit,
                    Scratch* scratch) const;
  template <typename HashOfRow>
  uint64_t Count(HashOfRow hash_of_row, uint64_t limit, Scratch* scratch) const;

  const FieldCodes& codes_;
  std::vector<bool> included_;
  std::vector<Hash, LargePages<Hash>> rows_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_ROW_HASHES_H_
