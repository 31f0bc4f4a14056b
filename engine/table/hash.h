// The seeded hash of the value table (guarantee S1).

#ifndef INLAY_ENGINE_TABLE_HASH_H_
#define INLAY_ENGINE_TABLE_HASH_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace inlay {

// 32 bits of XXH3: the low bits choose a slot, the high 16 are the slot's tag.
inline uint32_t HashValue(std::span<const std::byte> value, uint64_t seed) noexcept {
  return static_cast<uint32_t>(XXH3_64bits_withSeed(value.data(), value.size(), seed));
}

// A seed that an attacker cannot know. Falls back to addresses and time where getrandom(2) is
// refused.
uint64_t RandomSeed() noexcept;

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_HASH_H_
