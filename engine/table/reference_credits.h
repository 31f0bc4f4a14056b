// ReferenceCredits: references to much-used values that a thread keeps for itself, so that threads
// that take and release references to one value do not pass the cache line of its count back and
// forth.
//
// A thread that takes a reference to a value with many, and meets another thread that does so at
// the same moment, takes some more: its credits. It takes later references from them and puts
// released ones back, in memory of its own. A thread that meets nobody pays only for the look at
// whether it has credits.
// A credit is a reference like any other: the count includes it, so the value cannot be retired
// (V2), whatever the other threads do.
//
// What credits must not do is keep a value alive that nobody uses. Hence the two bounds:
//   - A thread keeps at most kMost credits for a value, and only while its count is at least
//     Floor(): more than all threads together may keep. So somebody holds a reference.
//   - Whoever releases a reference and sees a lower count with the mark `lent` asks for a drain,
//     which takes all credits of all threads back.
// A thread begins at twice the floor, so that a count that goes up and down asks seldom.
//
// A drain raises the epoch and waits for a grace period. Threads use credits in a reader section,
// in which they look at the epoch: so after the grace period no thread still uses a credit of an
// earlier epoch, and each one that would use one later sees the new epoch and leaves it alone. Thus
// who drains may take them, under the lock that a thread takes to borrow.
//
// With 2 threads a value lends from 384 references on, with 16 from 2,176, with 64 from 8,320.

#ifndef INLAY_ENGINE_TABLE_REFERENCE_CREDITS_H_
#define INLAY_ENGINE_TABLE_REFERENCE_CREDITS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/sync/liburcu.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/table/ref_word.h"
#include "inlay/reference_count.h"

namespace inlay {

// A table, as its lenders' list and the threads' credits know it.
struct CreditLender {
  // Releases `count` references of the value at `index`. Must not block.
  void (*give_back)(CreditLender* lender, uint32_t index, uint32_t count) = nullptr;
  // After a drain: takes the mark `lent` from all values whose count is less than `floor`.
  void (*settle)(CreditLender* lender, uint32_t floor) = nullptr;
  std::atomic<bool> lends{false};  // is in the list
  CreditLender* next_lender = nullptr;
};

class ReferenceCredits {
 public:
  static constexpr uint32_t kMost = 64;
  static constexpr uint32_t kLoan = kMost / 2;

  // The counts from which on a thread keeps released references, and begins to.
  static uint32_t Floor() noexcept { return shared.floor.load(std::memory_order_relaxed); }
  static uint32_t LendsFrom() noexcept { return 2 * Floor(); }

  enum class Taken { kOne, kNone, kNoneOfMine };

  // This thread's credits; null: it never had any.
  static ReferenceCredits* OfThisThread() noexcept {
    return reference_internal::this_thread.credits;
  }

  // Takes a reference from the credits. kNone: Borrow() more. kNoneOfMine: they have no place for
  // this value.
  // Reader section: required.
  Taken Take(const CreditLender* lender, uint32_t index) noexcept {
    Slot& slot = SlotOf(lender, index);
    if (!slot.Is(lender, index)) return Taken::kNoneOfMine;
    const uint32_t credits = slot.credits.load(std::memory_order_relaxed);
    if (credits == 0 || !IsCurrent()) return Taken::kNone;
    INLAY_TEST_POINT("credits.takes");
    slot.credits.store(credits - 1, std::memory_order_relaxed);
    return Taken::kOne;
  }

  // Takes a reference from the count, and credits for this thread. False if the plain way must be
  // tried: the value has too few references, or this thread has no place for its credits.
  // Reader section: required.
  static bool Borrow(CreditLender* lender, uint32_t index, std::atomic<uint32_t>* word) noexcept;

  // Takes back a reference that this thread releases. Returns how many the caller has to take from
  // the count: 0, or 1 and what the thread keeps no longer.
  // Reader section: required.
  uint32_t PutBack(const CreditLender* lender, uint32_t index,
                   const std::atomic<uint32_t>& word) noexcept {
    Slot& slot = SlotOf(lender, index);
    if (!slot.Is(lender, index) || !IsCurrent()) return 1;
    const RefWord seen(word.load(std::memory_order_relaxed));
    const uint32_t credits = slot.credits.load(std::memory_order_relaxed);
    if (seen.lent() && seen.count() >= Floor()) [[likely]] {
      const bool full = credits == kMost;
      slot.credits.store(full ? credits - kLoan : credits + 1, std::memory_order_relaxed);
      return full ? 1 + kLoan : 0;
    }
    slot.credits.store(0, std::memory_order_relaxed);
    return 1 + credits;
  }

  // Asks the library's thread for a drain. Does not block.
  static void RequestDrain() noexcept;
  // Drains now. Reader section: REQUIRES none (waits for a grace period).
  static void Drain() noexcept;
  // Gives this thread's credits back.
  static void GiveBackOwn() noexcept;
  // Gives back what all threads keep of a table that nobody uses any more, so that its counts are
  // those of owners and ValueRefs, also while threads end.
  static void GiveBackAllOf(CreditLender* lender) noexcept;
  // The lender's table is about to go, and nobody uses it any more.
  static void Forget(CreditLender* lender) noexcept;
  // The credits that all threads keep for a value. Exact while no thread uses the table.
  static uint32_t Kept(const CreditLender* lender, uint32_t index) noexcept;
  // The credits that all threads keep for all values.
  static uint32_t KeptInAll() noexcept;

 private:
  friend struct CreditRegistry;

  static constexpr uint32_t kSlots = 512;
  // A blocked thread clears the way after so many attempts.
  static constexpr uint32_t kPatience = 64;

  struct Slot {
    std::atomic<CreditLender*> lender{nullptr};
    std::atomic<uint32_t> index{0};
    std::atomic<uint32_t> credits{0};

    bool Is(const CreditLender* other, uint32_t other_index) const {
      return lender.load(std::memory_order_relaxed) == other &&
             index.load(std::memory_order_relaxed) == other_index;
    }
  };

  // What all threads read, and hardly ever changes.
  struct alignas(64) Shared {
    std::atomic<uint32_t> epoch{1};
    std::atomic<uint32_t> floor{kMost};
  };
  static Shared shared;

  Slot& SlotOf(const CreditLender* lender, uint32_t index) {
    // Neighbouring indexes have slots of their own; tables begin at different ones.
    const auto salt = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(lender) >> 6);
    return slots_[(index + salt) % kSlots];
  }
  bool IsCurrent() const {
    return epoch_.load(std::memory_order_relaxed) == shared.epoch.load(std::memory_order_relaxed);
  }

  void GiveAllBack() noexcept EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Slot slots_[kSlots];
  std::atomic<uint32_t> epoch_{0};  // of the credits in the slots
  uint32_t blocked_ = 0;
  // Taken by whoever changes slots of other values than its own operation's.
  Mutex mutex_;
  ReferenceCredits* next_ = nullptr;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_REFERENCE_CREDITS_H_
