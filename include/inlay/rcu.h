// Read-copy-update, over liburcu (the membarrier flavor, "liburcu-memb").
//
// A *reader section* lasts as long as a ReadSection object. Whatever a reader finds in a section
// stays readable until the section ends. A writer unlinks an object first and frees it after a
// *grace period*: after every reader section that existed at the unlink has ended. Sections may
// nest and must not block for long, since an open section keeps every byte alive that is retired
// meanwhile.
//
// A thread registers itself on its first use of this header and unregisters when it exits. Do not
// open a reader section in the destructor of a thread_local object: the thread may have
// unregistered already.
//
// Source of the contracts: liburcu 0.13, doc/rcu-api.md.

#ifndef INLAY_RCU_H_
#define INLAY_RCU_H_

#include <cstddef>
#include <cstdint>

struct rcu_head;  // liburcu's

namespace inlay {

// For objects that are freed after a grace period to embed. Has the size of liburcu's rcu_head.
struct RcuHead {
  alignas(void*) std::byte liburcu_words[2 * sizeof(void*)];
};

namespace rcu_internal {
void ReadLock() noexcept;
void ReadUnlock() noexcept;
// Must be the first call in a function that liburcu's thread calls after a grace period.
void EnterCallback() noexcept;
void CallRcu(RcuHead* head, void (*callback)(rcu_head*)) noexcept;
}  // namespace rcu_internal

// Opens a reader section for its lifetime. Wait-free. It costs two calls into the library, so hold
// one section over a batch of lookups. Must be destroyed on the thread that made it.
class [[nodiscard]] ReadSection {
 public:
  ReadSection() noexcept { rcu_internal::ReadLock(); }
  ~ReadSection() { rcu_internal::ReadUnlock(); }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;
};

// True if the calling thread is inside a reader section.
bool InReadSection() noexcept;

// Calls kReclaim(head) on another thread after a grace period. Does not block. Does not allocate,
// except on the first call of a process, which starts that thread.
// REQUIRES: new readers cannot reach the object; `head` stays in place until kReclaim gets it.
// Reader section: not needed, allowed.
template <void (*kReclaim)(RcuHead*)>
void Retire(RcuHead* head) noexcept {
  rcu_internal::CallRcu(head, [](rcu_head* liburcu_head) {
    rcu_internal::EnterCallback();
    kReclaim(reinterpret_cast<RcuHead*>(liburcu_head));
  });
}

// Waits for a grace period: returns when every reader section that existed at the call has ended.
// Reader section: REQUIRES none on the calling thread, which would wait for itself.
void Synchronize() noexcept;

// Waits until every earlier Retire() has run its function. For tests and teardown.
// Reader section: REQUIRES none. Must not be called from a kReclaim function.
void RetireBarrier() noexcept;

// A point in time, and the question whether a grace period has passed since. A data structure can
// ask whether it may reuse what it unlinked then, without waiting, an allocation or a callback per
// object. The kernel has start_poll_synchronize_rcu() and poll_state_synchronize_rcu() for this.
class GracePeriod {
 public:
  // Marks the present, and ensures that a grace period will begin. Thread-safe, does not block.
  static GracePeriod Start() noexcept;
  // Whether a full grace period has passed since Start(). Wait-free. If true, the caller's next
  // accesses are ordered after every reader section that existed at Start().
  bool Elapsed() const noexcept;

  // The GracePeriod as a number below 2^62, for callers that store it in a word; FromNumber()
  // restores it.
  uint64_t number() const noexcept { return number_; }
  static GracePeriod FromNumber(uint64_t number) noexcept { return GracePeriod(number); }

 private:
  explicit GracePeriod(uint64_t number) : number_(number) {}
  uint64_t number_;
};

}  // namespace inlay

#endif  // INLAY_RCU_H_
