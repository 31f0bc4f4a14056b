// InlineReadSection: a ReadSection (inlay/rcu.h) without the two calls into the library, for the
// few operations of the engine that are not much longer than those calls. Everything said of
// ReadSection holds.

#ifndef INLAY_ENGINE_SYNC_INLINE_READ_SECTION_H_
#define INLAY_ENGINE_SYNC_INLINE_READ_SECTION_H_

#if defined(__SANITIZE_THREAD__)
#define INLAY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define INLAY_TSAN 1
#endif
#endif

// Inlines liburcu's reader side: a compiler barrier and a thread-local store where membarrier(2)
// works. Not for ThreadSanitizer, which would instrument those parts of liburcu and none of their
// counterparts.
#if !defined(INLAY_TSAN)
#define _LGPL_SOURCE  // NOLINT(bugprone-reserved-identifier): liburcu's name
#endif
#include <urcu/urcu-memb.h>

#include <atomic>
#include <cstdint>

namespace inlay::rcu_internal {

// Whether liburcu knows this thread. Without an initialisation guard, since it is
// constant-initialised.
extern thread_local constinit bool thread_is_registered;
void RegisterThread() noexcept;

inline void EnsureRegistered() {
  if (!thread_is_registered) [[unlikely]]
    RegisterThread();
}

// liburcu orders a grace period after the reader sections it waits for, with barriers that
// ThreadSanitizer cannot see. In instrumented builds these two make the same edge visible.
#if defined(INLAY_TSAN)
inline std::atomic<uint64_t> sections_left{0};
inline void SectionEnds() { sections_left.fetch_add(1, std::memory_order_release); }
inline void GracePeriodEnded() { sections_left.load(std::memory_order_acquire); }
#else
inline void SectionEnds() {}
inline void GracePeriodEnded() {}
#endif

class [[nodiscard]] InlineReadSection {
 public:
  InlineReadSection() noexcept {
    EnsureRegistered();
    urcu_memb_read_lock();
  }
  ~InlineReadSection() {
    SectionEnds();
    urcu_memb_read_unlock();
  }
  InlineReadSection(const InlineReadSection&) = delete;
  InlineReadSection& operator=(const InlineReadSection&) = delete;
};

}  // namespace inlay::rcu_internal

namespace inlay {
using rcu_internal::InlineReadSection;
}  // namespace inlay

#endif  // INLAY_ENGINE_SYNC_INLINE_READ_SECTION_H_
