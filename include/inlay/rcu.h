// Read-copy-update, over liburcu (the membarrier flavor, "liburcu-memb").
//
// A *reader section* lasts as long as a ReadSection object. Whatever a reader finds in a section
// stays readable until the section ends. A writer unlinks an object first and frees it after a
// *grace period*: after every reader section that existed at the unlink has ended. Sections may
// nest and must not block for long, since an open section keeps every byte alive that is retired
// meanwhile.
//
// A thread registers itself on its first use of this header and unregisters when it exits, after
// the destructors of its thread_local objects, which may use everything here.
//
// Source of the contracts: liburcu 0.13, doc/rcu-api.md.
//
// fork(): a child goes on with everything, reclamation included, if no other thread of the program
// used the library at that moment; the library's own thread waits. A lock that such a thread held
// stays locked in the child, which may then read, and wait for grace periods, and free nothing. The
// child may only call exec() or _exit() if the thread forks inside a reader section or a function
// of Retire(), or if another thread stays in a section, for which a grace period waits, for more
// than five seconds: fork() waits so long for it.
//
// A thread that the program has registered with liburcu-memb itself stays the program's: it keeps
// the registration while it uses the library, and ends it. A thread that has used the library first
// must not be registered again.

#ifndef INLAY_RCU_H_
#define INLAY_RCU_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "inlay/export.h"
#include "inlay/status.h"

// Under ThreadSanitizer a section is two calls: it must see the library's side of them too.
#if defined(__SANITIZE_THREAD__)
#define INLAY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define INLAY_TSAN 1
#endif
#endif

namespace inlay {

// Embedded in objects that are freed after a grace period. Has the size of the kernel's rcu_head.
struct RcuHead {
  alignas(void*) std::byte words[2 * sizeof(void*)];
};

namespace rcu_internal {
INLAY_API void ReadLock() noexcept;
INLAY_API void ReadUnlock() noexcept;
INLAY_API void CallAfterGracePeriod(RcuHead* head, void (*reclaim)(RcuHead*)) noexcept;

// The words by which liburcu's grace periods know of this thread's sections. So a section needs no
// call, and no header of liburcu. All null if the thread is not registered yet, or where
// membarrier(2) does not work, so that a section needs fences: then the functions above do it.
struct ThreadReader {
  uint64_t* sections;            // how many are open; above that, a bit of when the first began
  const uint64_t* grace_period;  // the number that *sections gets when the first one begins
  const int32_t* waiter;         // kWaiterSleeps: a grace period sleeps until a section ends
};
// Found by an offset from the thread's own address, also in a shared library. inlay.h names it too,
// for C.
extern "C" {
[[gnu::tls_model(
    "initial-exec")]] INLAY_API extern thread_local constinit ThreadReader inlay_thread_reader;
}
INLAY_API void WakeGracePeriod() noexcept;

inline constexpr uint64_t kSectionsMask = 0xffff'ffff;
inline constexpr int32_t kWaiterSleeps = -1;

// The barriers are for the compiler. Those of the processor are in the grace period, which makes
// every thread of the process execute one.
inline uint64_t* EnterSection() noexcept {
  uint64_t* const sections = inlay_thread_reader.sections;
  if (sections == nullptr) [[unlikely]] {
    ReadLock();
    return nullptr;
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const uint64_t open = __atomic_load_n(sections, __ATOMIC_RELAXED);
  if ((open & kSectionsMask) == 0) [[likely]] {
    __atomic_store_n(sections, __atomic_load_n(inlay_thread_reader.grace_period, __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
  } else {
    __atomic_store_n(sections, open + 1, __ATOMIC_RELAXED);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return sections;
}

// `sections` is what EnterSection() has returned.
inline void LeaveSection(uint64_t* sections) noexcept {
  if (sections == nullptr) [[unlikely]]
    return ReadUnlock();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const uint64_t open = __atomic_load_n(sections, __ATOMIC_RELAXED);
  __atomic_store_n(sections, open - 1, __ATOMIC_RELAXED);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if ((open & kSectionsMask) == 1) [[likely]] {
    if (__atomic_load_n(inlay_thread_reader.waiter, __ATOMIC_RELAXED) == kWaiterSleeps) [[unlikely]]
      WakeGracePeriod();
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
}
}  // namespace rcu_internal

// Opens a reader section for its lifetime. Wait-free. Must be destroyed on the thread that made it.
//
// Cheap enough for one section per message: it is inlined, as two stores to memory of the thread's
// own, and needs neither headers nor flags of liburcu. A thread's first section is a call, which
// registers the thread; so is each one under ThreadSanitizer, and where the kernel has no
// membarrier(2) or a sandbox forbids it. A get in a section of its own then takes at most 1.3 times
// as long as a read of a bare RCU pointer in liburcu's inlined section (section_bench).
class [[nodiscard]] ReadSection {
 public:
#if defined(INLAY_TSAN)
  [[nodiscard("a section that has no name ends at once")]] ReadSection() noexcept
      : sections_(nullptr) {
    rcu_internal::ReadLock();
  }
#else
  [[nodiscard("a section that has no name ends at once")]] ReadSection() noexcept
      : sections_(rcu_internal::EnterSection()) {}
#endif
  ~ReadSection() { rcu_internal::LeaveSection(sections_); }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;

 private:
  uint64_t* const sections_;
};

// True if the calling thread is inside a reader section.
INLAY_API bool InReadSection() noexcept;

// Starts the library's thread, which runs the functions of Retire() and the grace periods of
// GracePeriod. kNoMemory: the system allows no further thread (ulimit -u, a cgroup's pids.max). kOk
// if it runs. Store, ValueTable and SocketTable start it when they are made, so that no later
// operation has to.
// Reader section: not needed, allowed.
INLAY_API Status StartReclaiming() noexcept;

// Calls kReclaim(head) after a grace period, on the library's thread or inside a RetireBarrier().
// Does not block, does not allocate. If the thread could not be started, the call tries again;
// until one succeeds, retired objects wait for a RetireBarrier(). REQUIRES: new readers cannot
// reach the object; `head` stays in place until kReclaim gets it. Reader section: not needed,
// allowed.
template <void (*kReclaim)(RcuHead*)>
void Retire(RcuHead* head) noexcept {
  rcu_internal::CallAfterGracePeriod(head, kReclaim);
}

// Waits for a grace period: returns when every reader section that existed at the call has ended.
// Reader section: REQUIRES none on the calling thread, which would wait for itself: that aborts,
// and says so on standard error, in every build, here and in all functions that wait for readers.
INLAY_API void Synchronize() noexcept;

// Waits until every earlier Retire() has run its function; runs those that have not run yet on this
// thread. For tests and teardown. A kReclaim function may call it, and may so destroy maps, stores
// and socket tables; it then excepts the calls of kReclaim that are under way on its own thread.
// Reader section: REQUIRES none.
INLAY_API void RetireBarrier() noexcept;

// A point in time that can tell whether a grace period has passed since. So a data structure can
// ask whether it may reuse the objects that it unlinked then, without waiting, an allocation or a
// callback per object. The kernel has start_poll_synchronize_rcu() and poll_state_synchronize_rcu()
// for this.
class GracePeriod {
 public:
  // Marks the present, and ensures that a grace period will begin. Thread-safe, does not block.
  INLAY_API static GracePeriod Start() noexcept;
  // Whether a full grace period has passed since Start(). Wait-free. If true, the caller's next
  // accesses are ordered after every reader section that existed at Start().
  INLAY_API bool Elapsed() const noexcept;

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
