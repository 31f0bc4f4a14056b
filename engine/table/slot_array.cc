#include "engine/table/slot_array.h"

#include <bit>
#include <cassert>
#include <new>

#include "engine/memory/allocate.h"

namespace inlay {

SlotArray* SlotArray::TryCreate(uint32_t slots) noexcept {
  assert(std::has_single_bit(slots));
  void* const bytes = TryAllocateBytes(Bytes(slots));
  if (bytes == nullptr) return nullptr;
  SlotArray* const array = new (bytes) SlotArray(slots);
  for (uint32_t at = 0; at < slots; ++at) new (&array->slot(at)) Slot(kEmpty);
  return array;
}

void SlotArray::Free(SlotArray* array) noexcept {
  if (array == nullptr) return;
  array->~SlotArray();
  FreeBytes(array);
}

void SlotArray::Reclaim(RcuHead* head) {
  static_assert(offsetof(SlotArray, rcu_head_) == 0);
  auto* const array = reinterpret_cast<SlotArray*>(head);
  Account* const pending = array->pending_.load(std::memory_order_relaxed);
  if (pending != nullptr) pending->Uncharge(Bytes(array->slots()));
  Free(array);
}

void SlotArray::FreeLater(SlotArray* array, Account* pending) noexcept {
  // Release: a reader of the counts that sees the account sees that the array was replaced before.
  array->pending_.store(pending, std::memory_order_release);
  if (pending != nullptr) pending->ChargeBeyondLimit(Bytes(array->slots()));
  Retire<Reclaim>(&array->rcu_head_);
}

uint32_t SlotArray::Insert(uint32_t hash, uint32_t index) noexcept {
  uint32_t at = hash & mask_;
  while (IndexOf(slot(at).load(std::memory_order_relaxed)) != 0) at = (at + 1) & mask_;
  if (slot(at).load(std::memory_order_relaxed) == kTombstone) {
    --counts_.tombstones;
  } else {
    ++counts_.occupied;
  }
  // Release: a reader that finds the index sees the value's bytes.
  slot(at).store((hash & kTagMask) | index, std::memory_order_release);
  inserted_.store(inserted_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  return at;
}

void SlotArray::Erase(uint32_t at) noexcept {
  if (slot((at + 1) & mask_).load(std::memory_order_relaxed) != kEmpty) {
    slot(at).store(kTombstone, std::memory_order_relaxed);
    ++counts_.tombstones;
    return;
  }
  // At the end of a run no search needs to pass this slot: empty it and the tombstones before it.
  slot(at).store(kEmpty, std::memory_order_relaxed);
  --counts_.occupied;
  for (at = (at - 1) & mask_; slot(at).load(std::memory_order_relaxed) == kTombstone;
       at = (at - 1) & mask_) {
    slot(at).store(kEmpty, std::memory_order_relaxed);
    --counts_.occupied;
    --counts_.tombstones;
  }
}

}  // namespace inlay
