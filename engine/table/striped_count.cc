#include "engine/table/striped_count.h"

#include <pthread.h>

#include <bit>

namespace inlay {
namespace {

// A bit for each stripe that a thread has to itself. After fork() those of the parent's other
// threads stay taken in the child.
constinit std::atomic<uint32_t> taken_stripes{0};

// A value of the key: which stripe a thread has, plus one since null runs no destructor.
constexpr uintptr_t kFirstValue = 1;

}  // namespace

uint32_t StripedCount::TakeStripe() noexcept {
  using reference_internal::kSharedStripe;
  // Runs after the destructors of thread_local objects. What other keys' destructors still release
  // goes to the shared stripe.
  static const auto [key, has_key] = [] {
    struct Made {
      pthread_key_t key;
      bool has_key;
    } made{};
    made.has_key = pthread_key_create(&made.key, [](void* value) {
                     reference_internal::this_thread.stripe = kSharedStripe;
                     const auto stripe =
                         static_cast<uint32_t>(reinterpret_cast<uintptr_t>(value) - kFirstValue);
                     // Release: the next thread goes on with the numbers that this one left.
                     taken_stripes.fetch_and(~(uint32_t{1} << stripe), std::memory_order_release);
                   }) == 0;
    return made;
  }();
  if (!has_key) return kSharedStripe;
  uint32_t seen = taken_stripes.load(std::memory_order_relaxed);
  for (;;) {
    const auto stripe = static_cast<uint32_t>(std::countr_one(seen));
    if (stripe >= kOwnStripes) return kSharedStripe;
    if (!taken_stripes.compare_exchange_weak(seen, seen | uint32_t{1} << stripe,
                                             std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
      continue;
    }
    if (pthread_setspecific(key, reinterpret_cast<void*>(stripe + kFirstValue)) == 0) return stripe;
    taken_stripes.fetch_and(~(uint32_t{1} << stripe), std::memory_order_release);
    return kSharedStripe;
  }
}

void StripedCount::AddToShared(int64_t more) noexcept {
  uint32_t& stripe = reference_internal::this_thread.stripe;
  if (stripe == reference_internal::kNoStripeYet) {
    stripe = TakeStripe();
    if (stripe < kOwnStripes) return Add(more);
  }
  stripes_[reference_internal::kSharedStripe].number.fetch_add(more, std::memory_order_relaxed);
}

}  // namespace inlay
