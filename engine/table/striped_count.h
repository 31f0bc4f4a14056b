// StripedCount: a number that any thread changes, often, and hardly anybody reads.
//
// A change costs a load and a store of a cache line that no other thread writes: up to
// kOwnStripes threads have a stripe to themselves, of every count, until they exit. All others, and
// threads that exit, share one stripe and pay for an atomic operation. The number is the sum of the
// stripes; a single one may be below zero, since what one thread adds another one may take away.

#ifndef INLAY_ENGINE_TABLE_STRIPED_COUNT_H_
#define INLAY_ENGINE_TABLE_STRIPED_COUNT_H_

#include <atomic>
#include <cstdint>

#include "inlay/reference_count.h"

namespace inlay {

class StripedCount {
 public:
  static constexpr uint32_t kOwnStripes = reference_internal::kOwnStripes;

  // Thread-safe. No order with other memory.
  void Add(int64_t more) noexcept {
    if (!TryAdd(more)) [[unlikely]]
      AddToShared(more);
  }

  // Add() if this thread has a stripe; otherwise false, and Add() gives it one if it can have one.
  bool TryAdd(int64_t more) noexcept { return reference_internal::TryAdd(stripes_, more); }

  // For callers that add without a call (inlay/reference_count.h).
  reference_internal::Stripe* stripes() noexcept { return stripes_; }

  // Exact while no thread changes it.
  int64_t Sum() const noexcept {
    int64_t sum = 0;
    for (const auto& stripe : stripes_) sum += stripe.number.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  void AddToShared(int64_t more) noexcept;
  static uint32_t TakeStripe() noexcept;

  reference_internal::Stripe stripes_[reference_internal::kSharedStripe + 1];
};

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_STRIPED_COUNT_H_
