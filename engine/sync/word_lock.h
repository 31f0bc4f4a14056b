// WordLock: a lock in four bytes, the size of the kernel's raw_spinlock_t; a std::mutex (40 bytes)
// would change the size of the emulated object. Waiters sleep.

#ifndef INLAY_ENGINE_SYNC_WORD_LOCK_H_
#define INLAY_ENGINE_SYNC_WORD_LOCK_H_

#include <atomic>
#include <cstdint>

#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/sync/thread_annotations.h"

namespace inlay {

class CAPABILITY("mutex") WordLock {
 public:
  void Lock() EXCLUSIVE_LOCK_FUNCTION() {
    uint32_t state = kFree;
    if (state_.compare_exchange_strong(state, kHeld, std::memory_order_acquire)) [[likely]]
      return;
    // kContended tells the holder that a waiter sleeps. A waiter takes the lock as kContended,
    // since it does not know whether others sleep.
    INLAY_TEST_POINT("word_lock.waits");
    while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
      state_.wait(kContended, std::memory_order_relaxed);
    }
  }

  // False if another thread holds the lock.
  bool TryLock() TRY_LOCK_FUNCTION(true) {
    uint32_t state = kFree;
    return state_.compare_exchange_strong(state, kHeld, std::memory_order_acquire);
  }

  void Unlock() UNLOCK_FUNCTION() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) state_.notify_one();
  }

 private:
  static constexpr uint32_t kFree = 0;
  static constexpr uint32_t kHeld = 1;
  static constexpr uint32_t kContended = 2;

  std::atomic<uint32_t> state_{kFree};
};
static_assert(sizeof(WordLock) == 4, "has the size of the kernel's raw_spinlock_t");

}  // namespace inlay

#endif  // INLAY_ENGINE_SYNC_WORD_LOCK_H_
