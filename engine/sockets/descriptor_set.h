// DescriptorSet: finds the lowest free descriptor number, as open(2) requires. A tree of 64-bit
// words; a set bit means taken, or all taken below.
//
// Not thread-safe.

#ifndef INLAY_ENGINE_SOCKETS_DESCRIPTOR_SET_H_
#define INLAY_ENGINE_SOCKETS_DESCRIPTOR_SET_H_

#include <bit>
#include <cstdint>
#include <memory>
#include <optional>

#include "engine/memory/allocate.h"

namespace inlay {

class DescriptorSet {
 public:
  static constexpr uint32_t kMaxCapacity = uint32_t{1} << 24;

  // Must be called once. False without memory. REQUIRES: capacity <= kMaxCapacity.
  [[nodiscard]] bool Init(uint32_t capacity) noexcept {
    capacity_ = capacity;
    uint32_t bits = capacity;
    for (Words& level : levels_) {
      level = TryNewArray<uint64_t>(bits / 64 + 1);
      if (level == nullptr) return false;
      bits = bits / 64 + 1;
    }
    return true;
  }

  // Takes the lowest free number. Nothing if all are taken.
  std::optional<uint32_t> TakeLowest() noexcept {
    uint32_t number = 0;
    for (int level = kLevels - 1; level >= 0; --level) {
      const uint64_t taken = levels_[level][number];
      if (taken == ~uint64_t{0}) return std::nullopt;
      number = number * 64 + static_cast<uint32_t>(std::countr_one(taken));
    }
    if (number >= capacity_) return std::nullopt;
    Take(number);
    return number;
  }

  // Takes this number. False if it is taken already. REQUIRES: number < capacity.
  void Take(uint32_t number) noexcept {
    uint32_t at = number;
    for (Words& level : levels_) {
      level[at / 64] |= uint64_t{1} << (at % 64);
      if (level[at / 64] != ~uint64_t{0}) break;
      at /= 64;
    }
  }

  // REQUIRES: the number is taken.
  void Return(uint32_t number) noexcept {
    uint32_t at = number;
    for (Words& level : levels_) {
      const bool was_full = level[at / 64] == ~uint64_t{0};
      level[at / 64] &= ~(uint64_t{1} << (at % 64));
      if (!was_full) break;
      at /= 64;
    }
  }

 private:
  using Words = std::unique_ptr<uint64_t[]>;
  static constexpr int kLevels = 4;  // 64^4 = kMaxCapacity

  uint32_t capacity_ = 0;
  Words levels_[kLevels];
};

}  // namespace inlay

#endif  // INLAY_ENGINE_SOCKETS_DESCRIPTOR_SET_H_
