#include "inlay/rcu.h"

#include <urcu/static/urcu-memb.h>  // urcu_memb_gp, also under ThreadSanitizer

#include <atomic>

#include "engine/sync/liburcu.h"
#include "engine/sync/reclaimer.h"

namespace inlay {
namespace rcu_internal {

// Never destroyed: its thread may run functions while the process exits.
constinit Reclaimer reclaimer;

void ReadLock() noexcept {
  EnsureRegistered();
  urcu_memb_read_lock();
}

void ReadUnlock() noexcept {
  SectionEnds();
  urcu_memb_read_unlock();
}

void WakeGracePeriod() noexcept { urcu_common_wake_up_gp(&urcu_memb_gp); }

void CallAfterGracePeriod(RcuHead* head, void (*reclaim)(RcuHead*)) noexcept {
  SectionEnds();  // orders this thread's earlier accesses before the call
  reclaimer.Push(head, reclaim);
}

}  // namespace rcu_internal

using rcu_internal::reclaimer;

Status StartReclaiming() noexcept { return reclaimer.Start(); }

bool InReadSection() noexcept {
  rcu_internal::EnsureRegistered();
  return urcu_memb_read_ongoing() != 0;
}

void Synchronize() noexcept { reclaimer.Synchronize(); }

void RetireBarrier() noexcept { reclaimer.Drain(); }

GracePeriod GracePeriod::Start() noexcept {
  // No reader outside of this grace period may see what the caller has unlinked: a Synchronize() on
  // another thread may take this number at any moment.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  rcu_internal::SectionEnds();
  const uint64_t number = reclaimer.Next();
  reclaimer.Want(number);
  return GracePeriod(number);
}

bool GracePeriod::Elapsed() const noexcept {
  if (!reclaimer.Completed(number_)) return false;
  rcu_internal::GracePeriodEnded();
  return true;
}

}  // namespace inlay
