// Track: the changes of one writer to one value of one owner. From it readers on other threads can
// tell which values they may see, and the age of those that they saw.
//
// Thread-safety: one writer; any number of readers.

#ifndef INLAY_BENCH_STRESS_TRACK_H_
#define INLAY_BENCH_STRESS_TRACK_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "inlay/rcu.h"

namespace inlay {

// The age of a value at the end of the reader section that saw it, as rcutorture counts it.
enum class Age : uint8_t {
  kCurrent,   // the owner still has it
  kReplaced,  // the owner has another one, or none
  kTooOld,    // and a grace period has passed since: the section should have held it up
};
inline constexpr size_t kAges = 3;

class Track {
 public:
  struct State {
    uint64_t generation = 0;  // of the last change, whether it made or deleted a value
    bool present = false;
  };

  // --- for the writer, around each change

  void Begin(uint64_t generation) { started_.store(generation, std::memory_order_release); }
  void End(State state) {
    completed_.store(state.generation << 1 | (state.present ? 1 : 0), std::memory_order_release);
  }
  // Notes that `generation` was replaced just now.
  void NoteReplaced(uint64_t generation) {
    Replaced& slot = replaced_[generation % kReplaced];
    slot.generation.store(0, std::memory_order_relaxed);
    slot.grace_period.store(GracePeriod::Start().number(), std::memory_order_release);
    slot.generation.store(generation, std::memory_order_release);
  }

  // --- for readers

  State completed() const {
    const uint64_t bits = completed_.load(std::memory_order_acquire);
    return {bits >> 1, (bits & 1) != 0};
  }
  uint64_t started() const { return started_.load(std::memory_order_acquire); }

  // Whether a look between completed() == `before` and started() == `last` may have found nothing;
  // or a value of this generation.
  static bool MayBeAbsent(State before, uint64_t last) {
    return !before.present || last > before.generation;
  }
  static bool MayBe(uint64_t generation, State before, uint64_t last) {
    return generation <= last &&
           (before.present ? generation >= before.generation : generation > before.generation);
  }

  // REQUIRES: called in the reader section that found `generation`.
  Age AgeOf(uint64_t generation) const {
    const State now = completed();
    if (now.present && now.generation == generation) return Age::kCurrent;
    const Replaced& slot = replaced_[generation % kReplaced];
    if (slot.generation.load(std::memory_order_acquire) != generation) return Age::kReplaced;
    const uint64_t number = slot.grace_period.load(std::memory_order_acquire);
    // The note may have been overwritten between the two loads.
    if (slot.generation.load(std::memory_order_acquire) != generation) return Age::kReplaced;
    return GracePeriod::FromNumber(number).Elapsed() ? Age::kTooOld : Age::kReplaced;
  }

 private:
  static constexpr size_t kReplaced = 64;
  struct Replaced {
    std::atomic<uint64_t> generation{0};
    std::atomic<uint64_t> grace_period{0};
  };

  std::atomic<uint64_t> started_{0};
  std::atomic<uint64_t> completed_{0};
  std::array<Replaced, kReplaced> replaced_;
};

}  // namespace inlay

#endif  // INLAY_BENCH_STRESS_TRACK_H_
