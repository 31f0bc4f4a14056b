// OwnerArray: a hash array of private values, keyed by their owners' addresses. Open addressing
// with linear probing, at most half full. A slot holds the address of a value, and in its lowest
// bits a few of the hash, so that a search seldom reads the value of another owner.
//
// Thread-safety: one writer at a time, and any number of readers in reader sections. A reader finds
// every value that stays.

#ifndef INLAY_ENGINE_LAYOUTS_OWNER_ARRAY_H_
#define INLAY_ENGINE_LAYOUTS_OWNER_ARRAY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "inlay/memory_usage.h"
#include "inlay/rcu.h"

namespace inlay {

// What private values have in common whose owners have words of one size. Outlives them.
struct SideShape {
  uint32_t offset_bytes = 0;  // from the start of a SideValue to its bytes
  uint32_t alignment = 0;
  uint32_t word_bits = 0;      // of the owners
  size_t malloc_bytes = 0;     // of a SideValue with its bytes
  Account* pending = nullptr;  // charged for each from its removal until it is freed
};

// A private value; its bytes follow behind, at a multiple of the value's alignment.
struct alignas(16) SideValue {
  RcuHead rcu_head;
  const void* owner;  // the address of its words
  const SideShape* shape;

  const std::byte* value() const {
    return reinterpret_cast<const std::byte*>(this) + shape->offset_bytes;
  }
  std::byte* value() { return reinterpret_cast<std::byte*>(this) + shape->offset_bytes; }
};

class OwnerArray {
 public:
  static constexpr uint32_t kFewestSlots = 16;

  // An empty array of `slots`, a power of two. Null without memory.
  static OwnerArray* TryCreate(uint32_t slots) noexcept;
  static void Free(OwnerArray* array) noexcept;
  // Frees after a grace period; until then the array is charged to `pending`, which lives as long.
  static void FreeLater(OwnerArray* array, Account* pending) noexcept;
  static size_t Bytes(uint32_t slots) { return sizeof(OwnerArray) + slots * sizeof(Slot); }

  static uint64_t HashOf(const void* owner) {
    return reinterpret_cast<uintptr_t>(owner) * 0x9e37'79b9'7f4a'7c15U;
  }

  uint32_t slots() const { return mask_ + 1; }
  uint32_t values() const { return values_; }
  bool HasRoom() const { return 2 * (occupied_ + 1) <= slots(); }

  // The owner's value, or null. Reader section: required, or no concurrent writer.
  SideValue* Find(const void* owner) const {
    Slot* const slot = SlotOf(owner);
    return slot != nullptr ? ValueOf(slot->load(std::memory_order_acquire)) : nullptr;
  }

  // The value in a slot, or null. REQUIRES: no concurrent writer.
  SideValue* At(uint32_t at) const { return ValueOf(slot(at).load(std::memory_order_relaxed)); }

  // Writer only. Insert() REQUIRES HasRoom(), and that the owner has no value; the others that it
  // has one. They return the previous value, for the caller to retire.
  void Insert(SideValue* value) noexcept;
  SideValue* Replace(SideValue* value) noexcept;
  SideValue* Remove(const void* owner) noexcept;
  // Moves all values to `to`, which has room for them. Readers may still search this array.
  void CopyTo(OwnerArray* to) const noexcept;
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (uint32_t at = 0; at < slots(); ++at) {
      const uintptr_t bits = slot(at).load(std::memory_order_relaxed);
      if (ValueOf(bits) != nullptr) visit(ValueOf(bits));
    }
  }

 private:
  using Slot = std::atomic<uintptr_t>;
  static constexpr uintptr_t kEmpty = 0;
  static constexpr uintptr_t kTombstone = 1;  // a tag without a value
  static constexpr uintptr_t kTagMask = alignof(SideValue) - 1;

  static SideValue* ValueOf(uintptr_t bits) {
    return reinterpret_cast<SideValue*>(bits & ~kTagMask);
  }
  // The tag, from bits of the hash that choose neither the shard nor the slot.
  static uintptr_t TagOf(uint64_t hash) { return (hash >> 8) & kTagMask; }
  static uint32_t PlaceOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 24); }
  static uintptr_t Bits(const SideValue* value) {
    return reinterpret_cast<uintptr_t>(value) | TagOf(HashOf(value->owner));
  }

  explicit OwnerArray(uint32_t slots) : mask_(slots - 1) {}
  static void Reclaim(RcuHead* head);
  Slot* SlotOf(const void* owner) const;
  // The slots follow the object in the same allocation.
  Slot& slot(uint32_t at) const {
    return reinterpret_cast<Slot*>(const_cast<OwnerArray*>(this) + 1)[at];
  }

  RcuHead rcu_head_;
  const uint32_t mask_;
  uint32_t occupied_ = 0;  // slots that hold a value or a tombstone
  uint32_t values_ = 0;
  Account* pending_ = nullptr;  // set when the array waits for its readers
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_OWNER_ARRAY_H_
