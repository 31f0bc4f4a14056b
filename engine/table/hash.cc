#include "engine/table/hash.h"

#include <sys/random.h>

#include <chrono>

namespace inlay {

uint64_t RandomSeed() noexcept {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) == static_cast<ssize_t>(sizeof(seed))) return seed;
  const uint64_t parts[2] = {
      reinterpret_cast<uintptr_t>(&seed),
      static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())};
  return XXH3_64bits(parts, sizeof(parts));
}

}  // namespace inlay
