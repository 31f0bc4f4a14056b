// Reclaimer: runs functions after a grace period, and numbers grace periods. One for the process,
// behind the functions of inlay/rcu.h.
//
// Not liburcu's call_rcu(): that ends the process if its thread cannot be created.
//
// Thread-safety: all functions may run concurrently. Push() and Want() do not block.

#ifndef INLAY_ENGINE_SYNC_RECLAIMER_H_
#define INLAY_ENGINE_SYNC_RECLAIMER_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

#include "engine/sync/mutex.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay::rcu_internal {

// An object that waits for a grace period; the content of an RcuHead.
struct Waiting {
  Waiting* next;
  void (*reclaim)(RcuHead*);
};
static_assert(sizeof(Waiting) == sizeof(RcuHead) && alignof(Waiting) <= alignof(RcuHead));

class Reclaimer {
 public:
  // Starts the thread. kNoMemory: the system refuses another thread. kOk if it runs already.
  Status Start() noexcept LOCKS_EXCLUDED(start_);

  // Runs `reclaim(head)` after a grace period, in the order of the calls of a thread.
  void Push(RcuHead* head, void (*reclaim)(RcuHead*)) noexcept;

  // Runs all functions pushed before the call, after a grace period of its own. Waits for another
  // thread that does so. A function that runs here may call it too.
  void Drain() noexcept NO_THREAD_SAFETY_ANALYSIS;  // a nested call holds the lock

  // The number of the next grace period to begin. A thread that unlinked an object before the call
  // may free it when that number is completed.
  uint64_t Next() const noexcept { return next_.load(std::memory_order_acquire); }
  // Makes sure that grace period `number` begins.
  void Want(uint64_t number) noexcept;
  bool Completed(uint64_t number) const noexcept {
    return completed_.load(std::memory_order_acquire) >= number;
  }
  // Waits for a grace period that begins after the call.
  void Synchronize() noexcept;

  // Before fork(): waits until no function runs and no grace period is under way, and keeps it so.
  // False: this thread runs such a function, or a grace period has taken too long, since a reader
  // stays in its section, and may wait for this thread.
  bool LockForFork() noexcept NO_THREAD_SAFETY_ANALYSIS;
  void UnlockAfterFork() noexcept NO_THREAD_SAFETY_ANALYSIS;
  // In the child: unlocks, and lets the next caller that has work start the thread again.
  void RestartInChild() noexcept NO_THREAD_SAFETY_ANALYSIS;

 private:
  static void* RunThread(void* self) noexcept;
  [[noreturn]] void Run() noexcept;
  bool HasWork() const noexcept;
  void Wake() noexcept;
  void DrainLocked() noexcept EXCLUSIVE_LOCKS_REQUIRED(draining_);
  // Keeps forks away. Never nested.
  std::shared_lock<std::shared_timed_mutex> KeepForksAway() noexcept;
  void SynchronizeWithoutForks() noexcept;

  Mutex start_;
  std::atomic<bool> started_{false};

  // The objects pushed since the last drain, newest first.
  std::atomic<Waiting*> pushed_{nullptr};
  // Changes when the thread has work, which waits for that.
  std::atomic<uint32_t> signal_{0};

  // Held while functions run, so that a drain that waits for it has waited for them.
  Mutex draining_;
  // The objects that the current drain still has to run, oldest first.
  Waiting* ready_ GUARDED_BY(draining_) = nullptr;

  // A GracePeriod that starts while next_ is n waits for number n, which begins later.
  std::atomic<uint64_t> next_{1};
  std::atomic<uint64_t> completed_{0};
  std::atomic<uint64_t> wanted_{0};  // the highest number that was wanted

  // Shared by whoever drains or waits for a grace period; exclusive for a thread that forks. All go
  // through the gate, so that those that come later do not starve the thread that forks.
  std::mutex gate_;
  std::shared_timed_mutex forks_;
};

extern Reclaimer reclaimer;

}  // namespace inlay::rcu_internal

#endif  // INLAY_ENGINE_SYNC_RECLAIMER_H_
