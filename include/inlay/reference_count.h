// What a ValueRef needs to count its value's references without a call (value_table.h): the bits of
// a count that it looks at, and where its thread counts ValueRefs. Not for programs.

#ifndef INLAY_REFERENCE_COUNT_H_
#define INLAY_REFERENCE_COUNT_H_

#include <atomic>
#include <cstdint>

#include "inlay/export.h"

namespace inlay {

class ReferenceCredits;

namespace reference_internal {

// Of the word that holds a value's count and state (engine/table/ref_word.h).
inline constexpr uint32_t kLiveBit = uint32_t{1} << 31;
inline constexpr uint32_t kLentBit = uint32_t{1} << 29;
inline constexpr uint32_t kCountMask = kLentBit - 1;

// Far from its limit a count can be added to without a look: there are not so many threads.
constexpr bool IsFarFromLimit(uint32_t word) {
  constexpr uint32_t kThreads = 1 << 22;
  return (word & kLiveBit) != 0 && (word & kCountMask) < kCountMask - kThreads;
}
// Whether a release changes nothing but the count: others hold references, and none keeps credits.
constexpr bool IsPlainRelease(uint32_t before) {
  return (before & kCountMask) > 1 && (before & kLentBit) == 0;
}

// The part of a StripedCount that one thread has to itself (engine/table/striped_count.h).
inline constexpr uint32_t kOwnStripes = 16;
struct alignas(64) Stripe {
  std::atomic<int64_t> number{0};
};

inline constexpr uint32_t kSharedStripe = kOwnStripes;
inline constexpr uint32_t kNoStripeYet = kOwnStripes + 1;  // a thread that has not added yet

struct ThisThread {
  uint32_t stripe = kNoStripeYet;       // its number, in every StripedCount
  ReferenceCredits* credits = nullptr;  // null: it never had any
};
// Found by an offset from the thread's own address, also in a shared library.
[[gnu::tls_model("initial-exec")]] INLAY_API extern thread_local constinit ThisThread this_thread;

// Adds to this thread's stripe, if it has one. No order with other memory.
inline bool TryAdd(Stripe* stripes, int64_t more) noexcept {
  const uint32_t stripe = this_thread.stripe;
  if (stripe >= kOwnStripes) [[unlikely]]
    return false;
  std::atomic<int64_t>& own = stripes[stripe].number;
  own.store(own.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  return true;
}

}  // namespace reference_internal
}  // namespace inlay

#endif  // INLAY_REFERENCE_COUNT_H_
