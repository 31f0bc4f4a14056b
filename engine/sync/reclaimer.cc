#include "engine/sync/reclaimer.h"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <new>
#include <thread>

#include "engine/sync/broken_rule.h"
#include "engine/sync/fork.h"
#include "engine/sync/keep_loaded.h"
#include "engine/sync/liburcu.h"
#include "engine/sync/test_point.h"

namespace inlay::rcu_internal {
namespace {

// The thread begins a grace period at most this often: each one interrupts every processor that
// runs a thread of the process. In between, retired objects gather.
constexpr std::chrono::milliseconds kPause{1};

// How long a thread that forks waits for a grace period, and so for other threads' sections.
constexpr std::chrono::seconds kForkPatience{5};

// Whether this thread runs reclaim functions right now.
thread_local constinit bool thread_is_draining = false;

Waiting* Reversed(Waiting* list) {
  Waiting* reversed = nullptr;
  while (list != nullptr) {
    Waiting* const next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  return reversed;
}

// A wait for readers inside this thread's own section would never end, nor would one for a lock
// that another thread holds while it waits for the section.
void ExpectNoSection() {
  if (InReadSection()) [[unlikely]]
    BrokenRule("thread", "", "waits for readers inside its own reader section, and so for ever");
}

}  // namespace

Status Reclaimer::Start() noexcept {
  if (started_.load(std::memory_order_acquire)) return Status::kOk;
  KeepLoaded();
  HandleForks();
  MutexLock lock(&start_);
  if (started_.load(std::memory_order_relaxed)) return Status::kOk;
#if defined(INLAY_WITH_TEST_POINTS)
  if (test_refuses_threads.load()) return Status::kNoMemory;
#endif
  // The thread takes no signals: they are the program's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const int error = pthread_create(&thread, nullptr, &Reclaimer::RunThread, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return Status::kNoMemory;
  pthread_detach(thread);
  started_.store(true, std::memory_order_release);
  return Status::kOk;
}

void* Reclaimer::RunThread(void* self) noexcept { static_cast<Reclaimer*>(self)->Run(); }

void Reclaimer::Run() noexcept {
  for (;;) {
    const uint32_t signal = signal_.load(std::memory_order_acquire);
    if (!HasWork()) {
      signal_.wait(signal, std::memory_order_acquire);
      continue;
    }
    Drain();
    std::this_thread::sleep_for(kPause);
  }
}

bool Reclaimer::HasWork() const noexcept {
  return pushed_.load(std::memory_order_acquire) != nullptr ||
         !Completed(wanted_.load(std::memory_order_acquire));
}

void Reclaimer::Wake() noexcept {
  // Without a thread, pushed objects wait for the next Wake() or Drain().
  static_cast<void>(Start());
  signal_.fetch_add(1, std::memory_order_release);
  signal_.notify_one();
}

void Reclaimer::Push(RcuHead* head, void (*reclaim)(RcuHead*)) noexcept {
  auto* const waiting = new (head) Waiting{nullptr, reclaim};
  Waiting* newest = pushed_.load(std::memory_order_relaxed);
  do {
    waiting->next = newest;
  } while (!pushed_.compare_exchange_weak(newest, waiting, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
  // From here on `waiting` may be gone. The first one of a batch wakes the thread for all; in a
  // child of fork() the first one may have come before the fork.
  if (newest == nullptr || !started_.load(std::memory_order_relaxed)) Wake();
}

void Reclaimer::Want(uint64_t number) noexcept {
  uint64_t wanted = wanted_.load(std::memory_order_relaxed);
  while (wanted < number) {
    if (!wanted_.compare_exchange_weak(wanted, number, std::memory_order_acq_rel)) continue;
    Wake();
    return;
  }
  if (!started_.load(std::memory_order_relaxed)) Wake();
}

void Reclaimer::Synchronize() noexcept {
  ExpectNoSection();
  if (thread_is_draining) return SynchronizeWithoutForks();
  const auto no_forks = KeepForksAway();
  SynchronizeWithoutForks();
}

std::shared_lock<std::shared_timed_mutex> Reclaimer::KeepForksAway() noexcept {
  const std::lock_guard gate(gate_);
  return std::shared_lock(forks_);
}

void Reclaimer::SynchronizeWithoutForks() noexcept {
  EnsureRegistered();
  // Every existing GracePeriod has a number <= next_, and the grace period below begins after all
  // of them started.
  const uint64_t number = next_.fetch_add(1, std::memory_order_acq_rel);
  INLAY_TEST_POINT("synchronize.waits");
  urcu_memb_synchronize_rcu();
  GracePeriodEnded();
  uint64_t completed = completed_.load(std::memory_order_relaxed);
  while (completed < number &&
         !completed_.compare_exchange_weak(completed, number, std::memory_order_acq_rel)) {
  }
}

bool Reclaimer::LockForFork() noexcept {
  if (thread_is_draining) return false;
  gate_.lock();
  if (forks_.try_lock_for(kForkPatience)) return true;
  gate_.unlock();
  return false;
}

void Reclaimer::UnlockAfterFork() noexcept {
  forks_.unlock();
  gate_.unlock();
}

void Reclaimer::RestartInChild() noexcept {
  // A thread that is gone may have held the first lock; the last one belongs to a thread of another
  // number, as pthread_rwlock sees it.
  new (&start_) Mutex;
  new (&forks_) std::shared_timed_mutex;
  started_.store(false, std::memory_order_relaxed);
  gate_.unlock();
}

void Reclaimer::Drain() noexcept {
  ExpectNoSection();
  if (thread_is_draining) {
    DrainLocked();  // a reclaim function drains: this thread holds the lock
    return;
  }
  const auto no_forks = KeepForksAway();
  MutexLock lock(&draining_);
  thread_is_draining = true;
  DrainLocked();
  thread_is_draining = false;
}

void Reclaimer::DrainLocked() noexcept {
  const auto run_ready = [this]() NO_THREAD_SAFETY_ANALYSIS {
    while (Waiting* const waiting = ready_) {
      ready_ = waiting->next;  // first: `reclaim` frees the object, and may drain
      waiting->reclaim(reinterpret_cast<RcuHead*>(waiting));
    }
  };
  run_ready();  // of an outer call, whose grace period is over
  Waiting* const pushed = pushed_.exchange(nullptr, std::memory_order_acq_rel);
  SynchronizeWithoutForks();
  ready_ = Reversed(pushed);
  run_ready();
}

}  // namespace inlay::rcu_internal
