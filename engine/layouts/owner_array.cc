#include "engine/layouts/owner_array.h"

#include <bit>
#include <cassert>
#include <new>

#include "engine/memory/allocate.h"

namespace inlay {

OwnerArray* OwnerArray::TryCreate(uint32_t slots) noexcept {
  assert(std::has_single_bit(slots));
  void* const bytes = TryAllocateBytes(Bytes(slots));
  if (bytes == nullptr) return nullptr;
  auto* const array = new (bytes) OwnerArray(slots);
  for (uint32_t at = 0; at < slots; ++at) new (&array->slot(at)) Slot(kEmpty);
  return array;
}

void OwnerArray::Free(OwnerArray* array) noexcept {
  if (array == nullptr) return;
  array->~OwnerArray();
  FreeBytes(array);
}

void OwnerArray::Reclaim(RcuHead* head) {
  static_assert(offsetof(OwnerArray, rcu_head_) == 0);
  auto* const array = reinterpret_cast<OwnerArray*>(head);
  array->pending_->Uncharge(Bytes(array->slots()));
  Free(array);
}

void OwnerArray::FreeLater(OwnerArray* array, Account* pending) noexcept {
  array->pending_ = pending;
  pending->ChargeBeyondLimit(Bytes(array->slots()));
  Retire<Reclaim>(&array->rcu_head_);
}

// The slot that holds the owner's value, or null. Ends at an empty slot, since half of them are.
OwnerArray::Slot* OwnerArray::SlotOf(const void* owner) const {
  const uint64_t hash = HashOf(owner);
  for (uint32_t at = PlaceOf(hash) & mask_;; at = (at + 1) & mask_) {
    const uintptr_t bits = slot(at).load(std::memory_order_acquire);
    if (bits == kEmpty) return nullptr;
    const SideValue* const value = ValueOf(bits);
    if (value != nullptr && (bits & kTagMask) == TagOf(hash) && value->owner == owner) {
      return &slot(at);
    }
  }
}

void OwnerArray::Insert(SideValue* value) noexcept {
  uint32_t at = PlaceOf(HashOf(value->owner)) & mask_;
  while (ValueOf(slot(at).load(std::memory_order_relaxed)) != nullptr) at = (at + 1) & mask_;
  if (slot(at).load(std::memory_order_relaxed) == kEmpty) ++occupied_;
  ++values_;
  // Release: a reader that finds the value sees its bytes.
  slot(at).store(Bits(value), std::memory_order_release);
}

SideValue* OwnerArray::Replace(SideValue* value) noexcept {
  Slot* const slot = SlotOf(value->owner);
  SideValue* const before = ValueOf(slot->load(std::memory_order_relaxed));
  slot->store(Bits(value), std::memory_order_release);
  return before;
}

SideValue* OwnerArray::Remove(const void* owner) noexcept {
  Slot* const found = SlotOf(owner);
  SideValue* const before = ValueOf(found->load(std::memory_order_relaxed));
  --values_;
  auto at = static_cast<uint32_t>(found - &slot(0));
  if (slot((at + 1) & mask_).load(std::memory_order_relaxed) != kEmpty) {
    found->store(kTombstone, std::memory_order_relaxed);
    return before;
  }
  // At the end of a run no search needs to pass this slot: empty it and the tombstones before it.
  found->store(kEmpty, std::memory_order_relaxed);
  --occupied_;
  for (at = (at - 1) & mask_; slot(at).load(std::memory_order_relaxed) == kTombstone;
       at = (at - 1) & mask_) {
    slot(at).store(kEmpty, std::memory_order_relaxed);
    --occupied_;
  }
  return before;
}

void OwnerArray::CopyTo(OwnerArray* to) const noexcept {
  ForEach([to](SideValue* value) { to->Insert(value); });
}

}  // namespace inlay
