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
  if (array->pending_ != nullptr) array->pending_->Uncharge(Bytes(array->slots()));
  Free(array);
}

void SlotArray::FreeLater(SlotArray* array, Account* pending) noexcept {
  array->pending_ = pending;
  if (pending != nullptr) pending->ChargeBeyondLimit(Bytes(array->slots()));
  Retire<Reclaim>(&array->rcu_head_);
}

uint32_t SlotArray::Insert(uint32_t hash, uint32_t index) noexcept {
  uint32_t at = hash & mask_;
  while (IndexOf(slot(at).load(std::memory_order_relaxed)) != 0) at = (at + 1) & mask_;
  if (slot(at).load(std::memory_order_relaxed) == kTombstone) {
    --tombstones_;
  } else {
    ++occupied_;
  }
  // Release: a reader that finds the index sees the value's bytes.
  slot(at).store((hash & kTagMask) | index, std::memory_order_release);
  inserted_.store(inserted_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  return at;
}

void SlotArray::Erase(uint32_t at) noexcept {
  if (slot((at + 1) & mask_).load(std::memory_order_relaxed) != kEmpty) {
    slot(at).store(kTombstone, std::memory_order_relaxed);
    ++tombstones_;
    return;
  }
  // At the end of a run no search needs to pass this slot: empty it and the tombstones before it.
  slot(at).store(kEmpty, std::memory_order_relaxed);
  --occupied_;
  for (at = (at - 1) & mask_; slot(at).load(std::memory_order_relaxed) == kTombstone;
       at = (at - 1) & mask_) {
    slot(at).store(kEmpty, std::memory_order_relaxed);
    --occupied_;
    --tombstones_;
  }
}

}  // namespace inlay
