// Mutex: a std::mutex that Clang's thread-safety analysis understands.
//
// Not absl::Mutex: Debian's Abseil is built without ThreadSanitizer, which then reports races on
// correctly locked data.

#ifndef INLAY_ENGINE_SYNC_MUTEX_H_
#define INLAY_ENGINE_SYNC_MUTEX_H_

#include <mutex>

#include "engine/sync/test_point.h"
#include "engine/sync/thread_annotations.h"

namespace inlay {

class CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() EXCLUSIVE_LOCK_FUNCTION() {
#if defined(INLAY_WITH_TEST_POINTS)
    if (mutex_.try_lock()) return;
    INLAY_TEST_POINT("mutex.waits");
#endif
    mutex_.lock();
  }
  // False if another thread holds the lock.
  bool TryLock() TRY_LOCK_FUNCTION(true) { return mutex_.try_lock(); }
  void Unlock() UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex or a WordLock for its lifetime.
template <typename Lock>
class SCOPED_CAPABILITY LockHold {
 public:
  explicit LockHold(Lock* lock) EXCLUSIVE_LOCK_FUNCTION(lock) : lock_(lock) { lock_->Lock(); }
  ~LockHold() UNLOCK_FUNCTION() { lock_->Unlock(); }
  LockHold(const LockHold&) = delete;
  LockHold& operator=(const LockHold&) = delete;

 private:
  Lock* const lock_;
};

using MutexLock = LockHold<Mutex>;

}  // namespace inlay

#endif  // INLAY_ENGINE_SYNC_MUTEX_H_
