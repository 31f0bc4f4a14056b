#include "engine/sync/fork.h"

#include <pthread.h>

#include <atomic>

#include "engine/sync/reclaimer.h"
#include "engine/sync/registered_threads.h"
#include "inlay/rcu.h"

namespace inlay::rcu_internal {
namespace {

constinit std::atomic<const ForkHandlers*> other_handlers{nullptr};
// Whether this thread, which forks, holds the locks.
thread_local constinit bool holds_locks = false;
thread_local constinit const ForkHandlers* others_at_fork = nullptr;

void BeforeFork() {
  holds_locks = !InReadSection() && reclaimer.LockForFork();
  if (!holds_locks) return;
  LockRegistrations();
  others_at_fork = other_handlers.load(std::memory_order_acquire);
  if (others_at_fork != nullptr) others_at_fork->before();
}

void InParent() {
  if (!holds_locks) return;
  if (others_at_fork != nullptr) others_at_fork->in_parent();
  UnlockRegistrations();
  reclaimer.UnlockAfterFork();
}

void InChild() {
  if (!holds_locks) return;
  if (others_at_fork != nullptr) others_at_fork->in_child();
  ForgetOtherThreads();
  UnlockRegistrations();
  reclaimer.RestartInChild();
}

}  // namespace

void HandleForks() noexcept {
  [[maybe_unused]] static const int installed = pthread_atfork(&BeforeFork, &InParent, &InChild);
}

void SetForkHandlers(const ForkHandlers* handlers) noexcept {
  other_handlers.store(handlers, std::memory_order_release);
}

}  // namespace inlay::rcu_internal
