// The peer `slot`: what a program writes by hand that reloads the policy of a tenant often. Each
// owner holds the number of its tenant in two bytes, and an array has the address of each tenant's
// value, which readers follow in a reader section and writers replace.
//
// Unlike Inlay's KeyedMap, it does not give:
//   - numbers for tenants: the program hands them out, finds a tenant's number, and knows when no
//     owner holds one any more; a number that is used again too early shows another tenant's value
//   - counts of a tenant's owners, clones of owners, and owners that are closed by a store
//   - a bound on the values that wait for readers, limits, and a status when there is no memory
//
// It uses Inlay's reader sections and Retire(), so that differences come from the design.
//
// Thread-safety: several threads may read and replace at once.

#ifndef INLAY_BENCH_PEERS_SLOT_TABLE_H_
#define INLAY_BENCH_PEERS_SLOT_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "inlay/rcu.h"

namespace inlay::bench {

template <typename Value>
class SlotTable {
 public:
  using Slot = uint16_t;

  explicit SlotTable(size_t slots) : slots_(slots), values_(new std::atomic<Kept*>[slots]()) {}
  // REQUIRES: no reader.
  ~SlotTable() {
    for (size_t i = 0; i < slots_; ++i) delete values_[i].load(std::memory_order_relaxed);
  }
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  // Throws std::bad_alloc.
  void Set(Slot slot, const Value& value) {
    Kept* const old = values_[slot].exchange(new Kept{{}, value}, std::memory_order_acq_rel);
    if (old != nullptr) Retire<Kept::Free>(&old->rcu_head);
  }
  // Null: the slot has no value. Reader section: required.
  const Value* Get(Slot slot) const {
    const Kept* const kept = values_[slot].load(std::memory_order_acquire);
    return kept != nullptr ? &kept->value : nullptr;
  }
  size_t bytes(size_t values) const { return slots_ * sizeof(values_[0]) + values * sizeof(Kept); }

 private:
  struct Kept {
    static void Free(RcuHead* head) {
      static_assert(offsetof(Kept, rcu_head) == 0);
      delete reinterpret_cast<Kept*>(head);
    }

    RcuHead rcu_head;
    Value value;
  };

  const size_t slots_;
  const std::unique_ptr<std::atomic<Kept*>[]> values_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_SLOT_TABLE_H_
