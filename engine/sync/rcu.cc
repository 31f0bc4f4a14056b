#include "inlay/rcu.h"

#include <algorithm>
#include <atomic>

#include "engine/sync/inline_read_section.h"
#include "engine/sync/mutex.h"

namespace inlay {
namespace rcu_internal {

thread_local constinit bool thread_is_registered = false;

namespace {

// Unregisters the thread when it exits. Only RegisterThread() touches it, so that readers check a
// plain bool without an initialisation guard.
struct ThreadExit {
  ~ThreadExit() {
    if (thread_is_registered) urcu_memb_unregister_thread();
    thread_is_registered = false;
  }
};
thread_local ThreadExit thread_exit;

}  // namespace

[[gnu::noinline]] void RegisterThread() noexcept {
  urcu_memb_register_thread();
  thread_is_registered = true;
  // Taking the address initialises the thread_local, which schedules its destructor.
  [[maybe_unused]] ThreadExit* const volatile scheduled = &thread_exit;
}

}  // namespace rcu_internal

namespace {

using rcu_internal::EnsureRegistered;
using rcu_internal::GracePeriodEnded;
using rcu_internal::SectionEnds;

static_assert(sizeof(RcuHead) == sizeof(rcu_head) && alignof(RcuHead) >= alignof(rcu_head),
              "RcuHead stands in for liburcu's rcu_head");

// Numbers grace periods, so that GracePeriod::Elapsed() is one comparison. `next` is the number of
// the next grace period to begin, `completed` the highest number that is over. A GracePeriod that
// starts while `next` is n waits for number n, which begins later.
struct GracePeriodState {
  Mutex mutex;
  std::atomic<uint64_t> next{1};
  std::atomic<uint64_t> completed{0};
  uint64_t wanted GUARDED_BY(mutex) = 0;     // highest number that a GracePeriod waits for
  uint64_t in_flight GUARDED_BY(mutex) = 0;  // the number that `head` is queued for; 0 = not queued
  RcuHead head;
};

// Never destroyed: liburcu's thread may run callbacks while the process exits.
GracePeriodState& State() {
  static GracePeriodState* const state = new GracePeriodState;
  return *state;
}

void Complete(GracePeriodState& state, uint64_t number) {
  uint64_t completed = state.completed.load(std::memory_order_relaxed);
  while (completed < number &&
         !state.completed.compare_exchange_weak(completed, number, std::memory_order_acq_rel)) {
  }
}

void OnGracePeriod(RcuHead* head);

void BeginLocked(GracePeriodState& state) EXCLUSIVE_LOCKS_REQUIRED(state.mutex) {
  state.in_flight = state.next.fetch_add(1, std::memory_order_acq_rel);
  Retire<OnGracePeriod>(&state.head);
}

void OnGracePeriod(RcuHead* /*head*/) {
  GracePeriodState& state = State();
  MutexLock lock(&state.mutex);
  Complete(state, state.in_flight);
  state.in_flight = 0;
  if (state.wanted > state.completed.load(std::memory_order_relaxed)) BeginLocked(state);
}

}  // namespace

namespace rcu_internal {

void ReadLock() noexcept {
  EnsureRegistered();
  urcu_memb_read_lock();
}

void ReadUnlock() noexcept {
  SectionEnds();
  urcu_memb_read_unlock();
}

void EnterCallback() noexcept {
  // liburcu's own thread, which liburcu has registered and will unregister.
  thread_is_registered = true;
  GracePeriodEnded();
}

void CallRcu(RcuHead* head, void (*callback)(rcu_head*)) noexcept {
  EnsureRegistered();
  SectionEnds();  // orders this thread's earlier accesses before the callback
  urcu_memb_call_rcu(reinterpret_cast<rcu_head*>(head), callback);
}

}  // namespace rcu_internal

bool InReadSection() noexcept {
  EnsureRegistered();
  return urcu_memb_read_ongoing() != 0;
}

void Synchronize() noexcept {
  EnsureRegistered();
  GracePeriodState& state = State();
  // Every existing GracePeriod has a number <= next, and the grace period below begins after all of
  // them started.
  const uint64_t number = state.next.fetch_add(1, std::memory_order_acq_rel);
  urcu_memb_synchronize_rcu();
  GracePeriodEnded();
  Complete(state, number);
}

void RetireBarrier() noexcept {
  EnsureRegistered();
  urcu_memb_barrier();
  GracePeriodEnded();
}

GracePeriod GracePeriod::Start() noexcept {
  // No reader outside of this grace period may see what the caller has unlinked: a Synchronize() on
  // another thread may take this number at any moment.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  GracePeriodState& state = State();
  MutexLock lock(&state.mutex);
  const uint64_t number = state.next.load(std::memory_order_acquire);
  state.wanted = std::max(state.wanted, number);
  if (state.in_flight == 0) BeginLocked(state);
  return GracePeriod(number);
}

bool GracePeriod::Elapsed() const noexcept {
  if (State().completed.load(std::memory_order_acquire) < number_) return false;
  GracePeriodEnded();
  return true;
}

}  // namespace inlay
