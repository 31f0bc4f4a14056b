// The kernel's bpf_local_storage: values of an owner behind one pointer in the owner.
//
//   owner                LocalStorage (176 bytes)         StorageElement (72 bytes + value)
//   +---------+          +-------------------------+      +--------------------------------+
//   | storage |--------->| cache[0] .. cache[15]   |--+   | map node, owner node, rcu, ... |
//   +---------+          | list, owner, lock, ...  |  +-->| data: map, value               |
//                        +-------------------------+      +--------------------------------+
//
// Each map has one of the 16 cache slots (the least used one when the map is made); maps that share
// a slot take turns in it, and a get that misses it walks the list. A hit costs two dependent loads
// and the check that the cached element is this map's. It is the layout `pointer` (pointer_map.h)
// and what the other layouts fall back to.
//
// Source of structure and behaviour: Linux 6.18, kernel/bpf/bpf_local_storage.c; sizes from its
// BTF.
//
// Differences from the kernel: of racing writers exactly one wins and the others see the state it
// left (the kernel may answer EAGAIN to the first two writers and OK to two deleters of one value).

#ifndef INLAY_LOCAL_STORAGE_H_
#define INLAY_LOCAL_STORAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay {

class LocalStorageMap;
class LocalStorageDomain;
struct LocalStorage;

// What an owner embeds: its one pointer. Null as long as the owner has no value.
using StorageSlot = std::atomic<LocalStorage*>;

// The part of an element that the get path looks at: the kernel's bpf_local_storage_data.
struct StorageData {
  const LocalStorageMap* map;
  // value_bytes bytes follow.
  const std::byte* value() const { return reinterpret_cast<const std::byte*>(this + 1); }
};

inline constexpr uint32_t kStorageCacheSlots = 16;

// The front of a LocalStorage: all that a get needs in the usual case.
struct LocalStorageCache {
  std::atomic<const StorageData*> slots[kStorageCacheSlots];
};

// Who pays for an owner's private memory: 72 + value_bytes for an element, 176 for the storage
// while the owner has any. May be called by several threads at once for one owner, sometimes with
// the owner's lock held: must be thread-safe, and must neither call back nor block.
class StorageCharger {
 public:
  // False, and nothing charged, if the owner must not have `bytes` more.
  [[nodiscard]] virtual bool Charge(StorageSlot& owner, uint32_t bytes) noexcept = 0;
  virtual void Uncharge(StorageSlot& owner, uint32_t bytes) noexcept = 0;

 protected:
  ~StorageCharger() = default;
};

// The maps that share cache slots and memory: those of one kind of owner. Outlives its maps.
// Thread-safe.
class LocalStorageDomain {
 public:
  // `charger`, if not null, must outlive the domain.
  explicit LocalStorageDomain(StorageCharger* charger = nullptr);
  // REQUIRES: no map and no value is left.
  // Reader section: REQUIRES none (waits for retired memory).
  ~LocalStorageDomain();
  LocalStorageDomain(const LocalStorageDomain&) = delete;
  LocalStorageDomain& operator=(const LocalStorageDomain&) = delete;

  // Frees all values of an owner that is going away.
  // Reader section: not needed. Readers that are still looking keep what they found until their
  // sections end.
  // REQUIRES: no concurrent Update or Delete on this owner.
  void ReleaseOwner(StorageSlot& owner) noexcept;

  // Gives `child` a copy of each value of `parent` whose map has the clone flag. kNoMemory: some
  // copy could not be charged or allocated; then the child has none.
  // REQUIRES: the child is new, nobody else sees it.
  // Reader section: not needed.
  Status CloneOwner(StorageSlot& parent, StorageSlot& child) noexcept;

  // Maps over these owners: they share each owner's pointer.
  size_t maps() const noexcept;
  // Everything that the domain's maps and owners hold now, including what waits for a grace period.
  MemoryUsage memory_usage() const;

 private:
  friend class LocalStorageMap;
  struct State;
  std::unique_ptr<State> state_;
};

// One kind of value: the kernel's bpf_local_storage_map.
//
// Thread-safety: all functions may run concurrently, except the destructor. Writers of one owner
// are serialised by a lock in its storage. A reader sees the old value or the new one, never a
// mixture.
class LocalStorageMap {
 public:
  // As CheckMapOptions(); kNoMemory. *map unchanged on failure.
  static Status Create(LocalStorageDomain& domain, const MapOptions& options,
                       std::unique_ptr<LocalStorageMap>* map) noexcept;

  // Frees the map's values in all owners, which read absent from then on.
  // REQUIRES: no concurrent use of this map.
  // Reader section: REQUIRES none (waits for a grace period).
  ~LocalStorageMap();
  LocalStorageMap(const LocalStorageMap&) = delete;
  LocalStorageMap& operator=(const LocalStorageMap&) = delete;

  // The value, or null if absent. Takes no lock on a cache hit; a miss walks the owner's list and
  // takes the owner's lock to fill the cache.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const StorageSlot& owner) const noexcept {
    const LocalStorage* const found = owner.load(std::memory_order_acquire);
    if (found == nullptr) return nullptr;
    const StorageData* const data =
        reinterpret_cast<const LocalStorageCache*>(found)->slots[cache_slot_].load(
            std::memory_order_acquire);
    if (data != nullptr && data->map == this) [[likely]] {
      return data->value();
    }
    return GetFromList(owner);
  }

  // As Get(), but never fills the cache: takes no lock and stores nothing. Lock-free: it walks the
  // owner's list, and walks it again if a writer changed it meanwhile and nothing was found.
  const std::byte* Find(const StorageSlot& owner) const noexcept;

  // Replaces the value by a new element, or makes the first one. kExists, kNotFound: as `flag`
  // says; kInvalid: wrong size; kNoMemory: not charged or allocated (checked before the flag if the
  // owner has any value, as the kernel does). Nothing changed then.
  // Reader section: not needed, allowed. Ordering: release.
  Status Update(StorageSlot& owner, std::span<const std::byte> value, UpdateFlag flag) noexcept;

  // The value, which is first made from `init` (or zeroes if empty) if absent. Null: no memory,
  // then *status says so.
  // Reader section: required. Pointer valid until: the end of the section.
  const std::byte* GetOrCreate(StorageSlot& owner, std::span<const std::byte> init,
                               Status* status) noexcept;

  // Runs `modify` on a copy and puts it in the place of the value, atomically; runs it again on a
  // new copy if the value was changed meanwhile. Needs no charge, like the store through a pointer
  // that it stands for. kNotFound: absent. kNoMemory: no copy could be allocated.
  // Reader section: not needed, allowed. Ordering: release.
  Status Modify(StorageSlot& owner, ModifyFn modify) noexcept;

  // kNotFound: absent. Readers may still see the value until their sections end.
  Status Delete(StorageSlot& owner) noexcept;

  const MapOptions& options() const { return options_; }
  uint32_t cache_slot() const { return cache_slot_; }
  // The map's elements, and the storages that were made for them.
  MemoryUsage memory_usage() const;
  // Owners that have a value of this map.
  size_t elements() const { return elements_.load(std::memory_order_relaxed); }

 private:
  friend class LocalStorageDomain;
  friend struct LocalStorage;
  friend struct StorageElement;
  struct Buckets;

  LocalStorageMap(LocalStorageDomain& domain, const MapOptions& options, uint32_t cache_slot,
                  std::unique_ptr<Buckets> buckets);

  const std::byte* GetFromList(const StorageSlot& owner) const noexcept;
  size_t ElementBytes() const { return kStorageElementHeaderBytes + options_.value_bytes; }

  LocalStorageDomain& domain_;
  const MapOptions options_;
  const uint32_t cache_slot_;
  std::atomic<bool> dying_{false};
  std::atomic<size_t> elements_{0};
  std::atomic<size_t> storages_{0};  // made for this map's elements and still charged to them
  std::unique_ptr<Buckets> buckets_;
};

}  // namespace inlay

#endif  // INLAY_LOCAL_STORAGE_H_
