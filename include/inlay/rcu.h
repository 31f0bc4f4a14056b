// Read-copy-update, over liburcu (the membarrier flavor, "liburcu-memb").
//
// A *reader section* is the life of a ReadSection object. What a reader finds in it stays readable
// until it ends; writers unlink first and free only after a *grace period*, that is, after every
// reader section that existed at the unlink has ended. Reader sections may nest and must not block
// for long: a section that never ends keeps every retired byte alive.
//
// Threads register themselves on first use of anything here and leave when they exit. Do not open a
// reader section from the destructor of a thread_local object: the thread may have left already.
//
// Source of the contracts: liburcu 0.13, doc/rcu-api.md.

#ifndef INLAY_RCU_H_
#define INLAY_RCU_H_

#include <cstddef>
#include <cstdint>

struct rcu_head;  // liburcu's

namespace inlay {

// Embedded in an object that is freed after a grace period. Has the size of liburcu's rcu_head.
struct RcuHead {
  alignas(void*) std::byte liburcu_words[2 * sizeof(void*)];
};

namespace rcu_internal {
void ReadLock() noexcept;
void ReadUnlock() noexcept;
// First thing in a function that liburcu's thread calls after a grace period.
void EnterCallback() noexcept;
void CallRcu(RcuHead* head, void (*callback)(rcu_head*)) noexcept;
}  // namespace rcu_internal

// Opens a reader section for its lifetime. Wait-free; two calls into the library, so hold one over
// a batch of lookups rather than one per lookup. Must be destroyed on the thread that made it.
class [[nodiscard]] ReadSection {
 public:
  ReadSection() noexcept { rcu_internal::ReadLock(); }
  ~ReadSection() { rcu_internal::ReadUnlock(); }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;
};

// True if the calling thread is inside a reader section.
bool InReadSection() noexcept;

// Calls kReclaim(head) on another thread after a grace period. Does not block and does not
// allocate, but for the first call of a process, which starts that thread.
// REQUIRES: no new reader can reach the object any more; `head` stays in place until kReclaim has
// it.
// Reader section: not needed, allowed.
template <void (*kReclaim)(RcuHead*)>
void Retire(RcuHead* head) noexcept {
  rcu_internal::CallRcu(head, [](rcu_head* liburcu_head) {
    rcu_internal::EnterCallback();
    kReclaim(reinterpret_cast<RcuHead*>(liburcu_head));
  });
}

// Waits for a grace period: returns after every reader section that existed at the call has ended.
// Reader section: REQUIRES none on the calling thread (it would wait for itself).
void Synchronize() noexcept;

// Waits until every Retire() made before the call has run its function; for tests and for teardown.
// Reader section: REQUIRES none. Must not be called from a kReclaim function.
void RetireBarrier() noexcept;

// A point in time that a grace period may have passed since. Lets a data structure ask "may I reuse
// what I unlinked then?" without waiting, without an allocation and without a callback per object;
// the kernel's twin is start_poll_synchronize_rcu() / poll_state_synchronize_rcu().
class GracePeriod {
 public:
  // Marks now, and makes sure that a grace period will begin. Thread-safe, does not block.
  static GracePeriod Start() noexcept;
  // Whether a full grace period has passed since Start(). Wait-free. If true, what follows is
  // ordered after every reader section that existed at Start().
  bool Elapsed() const noexcept;

  // For those who have no room for an object: a number below 2^62 that FromNumber() makes it from.
  uint64_t number() const noexcept { return number_; }
  static GracePeriod FromNumber(uint64_t number) noexcept { return GracePeriod(number); }

 private:
  explicit GracePeriod(uint64_t number) : number_(number) {}
  uint64_t number_;
};

}  // namespace inlay

#endif  // INLAY_RCU_H_
