// OwnerLocks: a few locks that the owners of a map share, for writes that take more than one step.
// The owner's address alone selects the lock, so the owner need not exist any more.

#ifndef INLAY_ENGINE_SYNC_OWNER_LOCKS_H_
#define INLAY_ENGINE_SYNC_OWNER_LOCKS_H_

#include <cstddef>
#include <cstdint>

#include "engine/sync/mutex.h"

namespace inlay {

class OwnerLocks {
 public:
  Mutex& Of(const void* owner) noexcept {
    // Owners lie a fixed number of cache lines apart. Without mixing, all would use a few of the
    // locks.
    const uint64_t mixed = reinterpret_cast<uintptr_t>(owner) * 0x9e37'79b9'7f4a'7c15U;
    return locks_[mixed >> (64 - kLockBits)].mutex;
  }

 private:
  static constexpr int kLockBits = 4;
  struct alignas(64) PaddedMutex {
    Mutex mutex;
  };
  PaddedMutex locks_[size_t{1} << kLockBits];
};

}  // namespace inlay

#endif  // INLAY_ENGINE_SYNC_OWNER_LOCKS_H_
