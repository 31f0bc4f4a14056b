// UnreferencedSet: the indexes whose values may have no reference, a bit for each index. The clock
// hand visits these alone (docs/design.md, section 6).
//
// Two levels: a word of the upper one has a bit for each of 64 words of the lower one that may have
// a bit set. So a round over 65,534 indexes of which none is in the set reads 16 words.
//
// Rules. A value is *unreferenced* when it is live and its count is zero:
//   - Whoever makes a value unreferenced calls Add() afterwards. The change of the count, and every
//     load of the count that decides about Remove(), are seq_cst.
//   - The sweeping thread alone calls Remove(). It looks at the count again afterwards, and calls
//     Add() if the value is unreferenced, unless it has retired the value.
// So the set may hold values that have references again, but misses an unreferenced one only while
// a thread is between two steps of these rules. Proof: Add() leaves a bit alone if it finds it set.
// If the Remove() that clears it comes later in the order of all seq_cst operations, then so does
// the second look at the count: it sees a count that was zero, or a later one. In the latter case
// the value has a reference again, and whoever releases that calls Add() once more. The same
// argument holds for the two levels: an index sets its bit first, and then looks at the upper
// bit; Next() clears the upper bit first, and then looks at the word again.
//
// Thread-safety: any thread may call Add() and Has(); one thread at a time the others.

#ifndef INLAY_ENGINE_TABLE_UNREFERENCED_SET_H_
#define INLAY_ENGINE_TABLE_UNREFERENCED_SET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace inlay {

class UnreferencedSet {
 public:
  UnreferencedSet() = default;
  ~UnreferencedSet();
  UnreferencedSet(const UnreferencedSet&) = delete;
  UnreferencedSet& operator=(const UnreferencedSet&) = delete;

  // Makes room for the indexes 0 .. `highest`. False without memory. REQUIRES: not called before.
  [[nodiscard]] bool Create(uint32_t highest) noexcept;

  // Without an atomic write if the index is in the set already.
  void Add(uint32_t index) noexcept {
    Word& word = words_[index / kBits];
    const uint64_t bit = BitOf(index);
    if ((word.load(std::memory_order_seq_cst) & bit) != 0) return;
    word.fetch_or(bit, std::memory_order_seq_cst);
    AddWord(index / kBits);
  }

  void Remove(uint32_t index) noexcept {
    words_[index / kBits].fetch_and(~BitOf(index), std::memory_order_seq_cst);
  }

  bool Has(uint32_t index) const noexcept {
    const uint32_t word = index / kBits;
    return (words_[word].load(std::memory_order_acquire) & BitOf(index)) != 0 &&
           (upper_[word / kBits].load(std::memory_order_acquire) & BitOf(word)) != 0;
  }

  // The lowest index of the set in `first` .. `last`; 0 if there is none. REQUIRES: 0 < first.
  uint32_t Next(uint32_t first, uint32_t last) noexcept;

  size_t bytes() const { return (words() + (words() + kBits - 1) / kBits) * sizeof(Word); }

 private:
  using Word = std::atomic<uint64_t>;
  static constexpr uint32_t kBits = 64;

  static constexpr uint64_t BitOf(uint32_t number) { return uint64_t{1} << (number % kBits); }
  uint32_t words() const { return highest_ / kBits + 1; }

  void AddWord(uint32_t word) noexcept {
    Word& upper = upper_[word / kBits];
    if ((upper.load(std::memory_order_seq_cst) & BitOf(word)) != 0) return;
    upper.fetch_or(BitOf(word), std::memory_order_seq_cst);
  }

  uint32_t highest_ = 0;
  Word* words_ = nullptr;
  Word* upper_ = nullptr;  // behind the words, in the same allocation
};

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_UNREFERENCED_SET_H_
