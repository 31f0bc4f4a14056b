// What the library's own code knows of reader sections beyond inlay/rcu.h: liburcu's functions, and
// the registration of this thread.

#ifndef INLAY_ENGINE_SYNC_LIBURCU_H_
#define INLAY_ENGINE_SYNC_LIBURCU_H_

#include "inlay/rcu.h"

// Inlines liburcu's reader side: a compiler barrier and a thread-local store where membarrier(2)
// works. Not under ThreadSanitizer, which would instrument this side and not its counterpart in the
// library.
#if !defined(INLAY_TSAN)
#define _LGPL_SOURCE  // NOLINT(bugprone-reserved-identifier): liburcu's name
#endif
#include <urcu/urcu-memb.h>

#include <atomic>
#include <cstdint>

namespace inlay::rcu_internal {

// Whether this thread is registered with liburcu. Constant-initialised, so that accesses need no
// guard.
extern thread_local constinit bool thread_is_registered;
void RegisterThread() noexcept;

inline void EnsureRegistered() {
  if (!thread_is_registered) [[unlikely]]
    RegisterThread();
}

// liburcu's barriers order a grace period after the reader sections that it waits for.
// ThreadSanitizer does not see those barriers; in instrumented builds these two functions show it
// the same edge.
#if defined(INLAY_TSAN)
inline std::atomic<uint64_t> sections_left{0};
inline void SectionEnds() { sections_left.fetch_add(1, std::memory_order_release); }
inline void GracePeriodEnded() { sections_left.load(std::memory_order_acquire); }
#else
inline void SectionEnds() {}
inline void GracePeriodEnded() {}
#endif

}  // namespace inlay::rcu_internal

#endif  // INLAY_ENGINE_SYNC_LIBURCU_H_
