// HashValue(), RandomSeed(): the seeded hash of the value table (guarantee S1).

#ifndef INLAY_ENGINE_TABLE_HASH_H_
#define INLAY_ENGINE_TABLE_HASH_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace inlay {

// 32 bits of XXH3. The low bits select a slot; the high 16 are the slot's tag.
inline uint32_t HashValue(std::span<const std::byte> value, uint64_t seed) noexcept {
  return static_cast<uint32_t>(XXH3_64bits_withSeed(value.data(), value.size(), seed));
}

// A seed that an attacker cannot know. Uses addresses and the time if getrandom(2) fails.
uint64_t RandomSeed() noexcept;

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_HASH_H_
