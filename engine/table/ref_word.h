// RefWord: the reference count and the state of a table entry in one atomic word, so that a thread
// checks the state and takes a reference in one step.
//
//   bit 31      live: the entry has a value that can be found (referenced or not)
//   bit 30      used: set when the value gains a reference from zero, cleared when the clock hand
//               passes; a second chance against reclamation
//   bit 29      lent: threads may keep references to the value as credits
//               (reference_credits.h)
//   bits 0..28  live: the count, credits included; not live: 0 = free, 1 = retired
//
// Every transition of a live entry is a pure function that asserts its precondition, so tests need
// no threads.

#ifndef INLAY_ENGINE_TABLE_REF_WORD_H_
#define INLAY_ENGINE_TABLE_REF_WORD_H_

#include <cassert>
#include <cstdint>
#include <optional>

#include "inlay/reference_count.h"

namespace inlay {

class RefWord {
 public:
  static constexpr uint32_t kMaxCount = reference_internal::kCountMask;
  static constexpr uint32_t kOneReference = 1;

  constexpr explicit RefWord(uint32_t bits) : bits_(bits) {}
  static constexpr RefWord Free() { return RefWord(0); }
  static constexpr RefWord Retired() { return RefWord(1); }
  static constexpr RefWord LiveOnce() { return RefWord(kLiveBit | kUsedBit | 1); }

  constexpr uint32_t bits() const { return bits_; }
  constexpr bool live() const { return (bits_ & kLiveBit) != 0; }
  constexpr bool retired() const { return bits_ == Retired().bits_; }
  constexpr bool free() const { return bits_ == 0; }
  constexpr bool used() const { return (bits_ & kUsedBit) != 0; }
  constexpr bool lent() const { return live() && (bits_ & kLentBit) != 0; }
  constexpr uint32_t count() const { return live() ? bits_ & kMaxCount : 0; }
  constexpr bool unreferenced() const { return live() && count() == 0; }

  // One reference more. Nothing if the entry is not live or the count is at its limit.
  constexpr std::optional<RefWord> Ref() const {
    if (!live() || count() == kMaxCount) return std::nullopt;
    return RefWord((bits_ + kOneReference) | (count() == 0 ? kUsedBit : 0));
  }

  // One reference for the caller and `credits` for its thread to keep. Nothing if the count would
  // pass its limit.
  constexpr std::optional<RefWord> Lend(uint32_t credits) const {
    if (!live() || count() == 0 || kMaxCount - count() <= credits) return std::nullopt;
    return RefWord((bits_ + 1 + credits) | kLentBit);
  }
  // No thread keeps a credit any more.
  constexpr RefWord Settled() const { return RefWord(bits_ & ~kLentBit); }

  // One reference less. REQUIRES: there is one. Subtracts kOneReference from the word, so that a
  // releasing thread needs a single fetch_sub().
  constexpr RefWord Unref() const {
    assert(count() > 0 && "a reference is released that nobody holds");
    return RefWord(bits_ - kOneReference);
  }

  // The clock hand passes an unreferenced entry: a second chance, then retired.
  constexpr RefWord Passed() const {
    assert(unreferenced());
    return used() ? RefWord(bits_ & ~kUsedBit) : Retired();
  }

  friend constexpr bool operator==(RefWord, RefWord) = default;

 private:
  static constexpr uint32_t kLiveBit = reference_internal::kLiveBit;
  static constexpr uint32_t kUsedBit = uint32_t{1} << 30;
  static constexpr uint32_t kLentBit = reference_internal::kLentBit;

  uint32_t bits_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_REF_WORD_H_
