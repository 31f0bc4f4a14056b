// SlotArray: the hash index of a ValueTable. Open addressing with linear probing over slots of four
// bytes. A slot holds a value's index and 16 bits of its hash, so an unsuccessful search seldom
// reads a value.
//
// Thread-safety: one writer at a time, under the table's mutex, and any number of readers in reader
// sections. A reader may miss a value that the writer is inserting or erasing. It never misses a
// value that stays. The bytes of an index that it sees do not change, unless the table replaces
// them.

#ifndef INLAY_ENGINE_TABLE_SLOT_ARRAY_H_
#define INLAY_ENGINE_TABLE_SLOT_ARRAY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/sync/one_writer.h"
#include "inlay/memory_usage.h"
#include "inlay/rcu.h"

namespace inlay {

class SlotArray {
 public:
  // An empty array of `slots`, a power of two. Null without memory.
  static SlotArray* TryCreate(uint32_t slots) noexcept;
  static void Free(SlotArray* array) noexcept;
  // Frees after a grace period; until then the array is charged to `pending`, which may be null.
  static void FreeLater(SlotArray* array, Account* pending) noexcept;

  static size_t Bytes(uint32_t slots) { return sizeof(SlotArray) + slots * sizeof(Slot); }

  uint32_t slots() const { return mask_ + 1; }
  // These two may be read beside the writer; after FreeLater() they are any numbers.
  uint32_t tombstones() const { return counts_.tombstones; }
  // The number of slots that hold an index or a tombstone.
  uint32_t occupied() const { return counts_.occupied; }

  struct Found {
    uint32_t index;   // 0: not found
    uint32_t slot;    // where the index was found
    uint32_t probes;  // slots read
  };

  // Finds an index whose tag matches `hash` and for which `equals(index)` is true.
  template <typename Equals>
  Found Find(uint32_t hash, Equals&& equals) const {
    uint32_t at = hash & mask_;
    for (uint32_t probes = 1; probes <= slots(); ++probes, at = (at + 1) & mask_) {
      const uint32_t bits = slot(at).load(std::memory_order_acquire);
      if (bits == kEmpty) return {0, at, probes};
      const uint32_t index = IndexOf(bits);
      if ((bits & kTagMask) == (hash & kTagMask) && index != 0 && equals(index)) {
        return {index, at, probes};
      }
    }
    return {0, 0, slots()};
  }

  // The index in a slot. 0 if the slot is empty or a tombstone.
  uint32_t IndexAt(uint32_t at) const { return IndexOf(slot(at).load(std::memory_order_acquire)); }

  // Whether the value in a slot may be one of this hash, as far as its tag tells.
  bool HasTag(uint32_t at, uint32_t hash) const {
    return (slot(at).load(std::memory_order_relaxed) & kTagMask) == (hash & kTagMask);
  }

  // How many slots a search for a value of this hash reads that is in slot `at`.
  uint32_t ProbesTo(uint32_t at, uint32_t hash) const { return ((at - hash) & mask_) + 1; }

  // How often values were inserted, into this array and those that it was made from (see
  // Continue()).
  // If the count after a search in any of them is the one before, and no writer is at work, then a
  // value that the search did not find is in none. Readers read it before they search.
  uint32_t inserted() const { return inserted_.load(std::memory_order_acquire); }
  // Counts from where `before` has come. Writer only.
  void Continue(const SlotArray& before) noexcept {
    inserted_.store(before.inserted(), std::memory_order_relaxed);
  }

  // Returns the slot. REQUIRES: the array has no equal value, and a slot is free. Writer only.
  uint32_t Insert(uint32_t hash, uint32_t index) noexcept;
  // REQUIRES: the slot holds an index. Writer only.
  void Erase(uint32_t at) noexcept;

 private:
  using Slot = std::atomic<uint32_t>;
  static constexpr uint32_t kEmpty = 0;
  static constexpr uint32_t kTombstone = 0xffff'0000;  // a tag without an index
  static constexpr uint32_t kTagMask = 0xffff'0000;

  static constexpr uint32_t IndexOf(uint32_t bits) { return bits & 0xffff; }

  static void Reclaim(RcuHead* head);

  explicit SlotArray(uint32_t slots) : mask_(slots - 1) {}
  // The slots follow the object in the same allocation.
  Slot& slot(uint32_t at) const {
    return reinterpret_cast<Slot*>(const_cast<SlotArray*>(this) + 1)[at];
  }

  RcuHead rcu_head_;
  const uint32_t mask_;
  std::atomic<uint32_t> inserted_{0};
  struct Counts {
    OneWriter<uint32_t> occupied;
    OneWriter<uint32_t> tombstones;
  };
  union {
    Counts counts_{};
    std::atomic<Account*> pending_;  // pays while the array waits for its readers
  };
};

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_SLOT_ARRAY_H_
