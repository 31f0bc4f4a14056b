// FieldAllocator: hands out fields in the owners' words. First fit; a field never straddles a word.
//
// Not thread-safe.

#ifndef INLAY_ENGINE_STORES_FIELD_ALLOCATOR_H_
#define INLAY_ENGINE_STORES_FIELD_ALLOCATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "inlay/inline_words.h"

namespace inlay {

class FieldAllocator {
 public:
  // `taken` has one zeroed element for each word: (reserved_bits + word_bits - 1) / word_bits.
  FieldAllocator(uint32_t reserved_bits, uint32_t word_bits, std::unique_ptr<uint64_t[]> taken)
      : reserved_bits_(reserved_bits), word_bits_(word_bits), taken_(std::move(taken)) {}

  static uint32_t Words(uint32_t reserved_bits, uint32_t word_bits) {
    return (reserved_bits + word_bits - 1) / word_bits;
  }

  std::optional<InlineField> Take(uint32_t width_bits) {
    for (uint32_t word = 0; word < Words(reserved_bits_, word_bits_); ++word) {
      const uint32_t left = reserved_bits_ - word * word_bits_;
      const uint32_t bits = left < word_bits_ ? left : word_bits_;
      for (uint32_t shift = 0; shift + width_bits <= bits; ++shift) {
        const InlineField field{static_cast<uint16_t>(word), static_cast<uint8_t>(shift),
                                static_cast<uint8_t>(width_bits)};
        if ((taken_[word] & Mask(field)) != 0) continue;
        taken_[word] |= Mask(field);
        taken_bits_ += width_bits;
        return field;
      }
    }
    return std::nullopt;
  }

  // False if the field is not in the reservation, straddles a word, or is not free.
  bool TakeAt(InlineField field) {
    const uint64_t first_bit = uint64_t{field.word} * word_bits_ + field.shift;
    const bool fits = field.shift + field.width_bits <= static_cast<int>(word_bits_) &&
                      first_bit + field.width_bits <= reserved_bits_;
    if (!fits || (taken_[field.word] & Mask(field)) != 0) return false;
    taken_[field.word] |= Mask(field);
    taken_bits_ += field.width_bits;
    return true;
  }

  // REQUIRES: the field is taken.
  void Return(InlineField field) {
    taken_[field.word] &= ~Mask(field);
    taken_bits_ -= field.width_bits;
  }

  // No field ever has these bits, and no map pays for them. REQUIRES: they are free.
  void Withhold(InlineField field) { taken_[field.word] |= Mask(field); }

  uint32_t taken_bits() const { return taken_bits_; }

 private:
  static uint64_t Mask(InlineField field) { return uint64_t{field.mask()} << field.shift; }

  uint32_t reserved_bits_;
  uint32_t word_bits_;
  uint32_t taken_bits_ = 0;
  std::unique_ptr<uint64_t[]> taken_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_STORES_FIELD_ALLOCATOR_H_
