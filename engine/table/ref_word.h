// RefWord: the reference count and the state of a table entry in one atomic word, so that a thread
// checks the state and takes a reference in one step.
//
//   bit 31      live: the entry has a value that can be found (referenced or not)
//   bit 30      used: set when the value gains a reference from zero, cleared when the clock hand
//               passes; a second chance against reclamation
//   bits 0..29  live: the count; not live: 0 = free, 1 = retired
//
// Every transition of a live entry is a pure function that asserts its precondition, so tests need
// no threads.

#ifndef INLAY_ENGINE_TABLE_REF_WORD_H_
#define INLAY_ENGINE_TABLE_REF_WORD_H_

#include <cassert>
#include <cstdint>
#include <optional>

namespace inlay {

class RefWord {
 public:
  static constexpr uint32_t kMaxCount = (uint32_t{1} << 30) - 1;
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
  constexpr uint32_t count() const { return live() ? bits_ & kMaxCount : 0; }
  constexpr bool unreferenced() const { return live() && count() == 0; }

  // One reference more. Nothing if the entry is not live or the count is at its limit.
  constexpr std::optional<RefWord> Ref() const {
    if (!live() || count() == kMaxCount) return std::nullopt;
    return RefWord((bits_ + kOneReference) | (count() == 0 ? kUsedBit : 0));
  }

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
  static constexpr uint32_t kLiveBit = uint32_t{1} << 31;
  static constexpr uint32_t kUsedBit = uint32_t{1} << 30;

  uint32_t bits_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_REF_WORD_H_
