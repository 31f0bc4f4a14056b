// The kernel's bpf_local_storage: values of an owner behind one pointer in the owner.
//
//   owner                LocalStorage (176 bytes)         LocalStorageElement (72 bytes + value)
//   +---------+          +-------------------------+      +--------------------------------+
//   | storage |--------->| cache[0] .. cache[15]   |--+   | map node, owner node, rcu, ... |
//   +---------+          | list, owner, lock, ...  |  +-->| data: map, value               |
//                        +-------------------------+      +--------------------------------+
//
// Each map has one of the 16 cache slots: the least used one when the map is made. Maps that share
// a slot take turns in it, and a get that finds another map's element walks the list. A cache hit
// costs two dependent loads and a check that the cached element is this map's. This is the layout
// `pointer` (emulated/pointer_map.h), and the other layouts fall back to it.
//
// Source of structure and behaviour: Linux 6.18, kernel/bpf/bpf_local_storage.c; sizes from its
// BTF.
//
// Difference from the kernel: of racing writers exactly one wins, and the others see the state it
// leaves. The kernel may return EAGAIN to one of the first two writers, and 0 to both of two
// threads that delete the same value.

#ifndef INLAY_LOCAL_STORAGE_H_
#define INLAY_LOCAL_STORAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/account.h"
#include "inlay/export.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay {

class LocalStorageMap;
class LocalStorageDomain;
struct LocalStorage;

// The pointer that an owner embeds. Null while the owner has no value.
using StoragePointer = std::atomic<LocalStorage*>;

// The part of an element that a get reads: the kernel's bpf_local_storage_data.
struct StorageData {
  const LocalStorageMap* map;
  // value_bytes bytes follow.
  const std::byte* value() const { return reinterpret_cast<const std::byte*>(this + 1); }
};

inline constexpr uint32_t kStorageCacheSlots = 16;

// The front of a LocalStorage, and all of it that a cache hit reads.
struct LocalStorageCache {
  std::atomic<const StorageData*> slots[kStorageCacheSlots];
};

// Charges an owner for its private memory: 72 + value_bytes for an element, and 176 for the storage
// while the owner has a value. Several threads may call it for one owner at once, sometimes with
// the owner's lock held. It must be thread-safe, and must neither call back nor block.
class StorageCharger {
 public:
  // False if the limit does not allow `bytes` more; then nothing is charged.
  [[nodiscard]] virtual bool Charge(StoragePointer& owner, uint32_t bytes) noexcept = 0;
  virtual void Uncharge(StoragePointer& owner, uint32_t bytes) noexcept = 0;

 protected:
  ~StorageCharger() = default;
};

// Shared by the maps of one kind of owner: their cache slots and their memory. Must outlive its
// maps. Thread-safe.
class LocalStorageDomain {
 public:
  // A non-null `charger` must outlive the domain. `storage_charge_bytes`: the charge for a storage.
  INLAY_API explicit LocalStorageDomain(StorageCharger* charger = nullptr,
                                        uint32_t storage_charge_bytes = kLocalStorageBytes);
  // REQUIRES: all maps are destroyed and all values released.
  // Aborts, in every build, and says so on standard error, if a map is left.
  // Reader section: REQUIRES none (waits for retired memory).
  INLAY_API ~LocalStorageDomain();
  LocalStorageDomain(const LocalStorageDomain&) = delete;
  LocalStorageDomain& operator=(const LocalStorageDomain&) = delete;

  // Releases all values of an owner that will be freed.
  // Reader section: not needed. Concurrent gets stay valid until their sections end.
  // REQUIRES: no concurrent Update or Delete on this owner.
  INLAY_API void ReleaseOwner(StoragePointer& owner) noexcept;

  // Gives `child` a copy of each value of `parent` whose map has the clone flag. kOwnerLimit: the
  // charger refused. kNoMemory. After either the child has no values.
  // REQUIRES: the child is new and no other thread sees it.
  // Reader section: not needed.
  INLAY_API Status CloneOwner(StoragePointer& parent, StoragePointer& child) noexcept;

  // Moves all values of `from` to `to`, another place for the same owner's pointer. Copies nothing,
  // and asks no StorageCharger: what it has charged for `from` it charges for `to` from then on.
  // REQUIRES: `to` has no value, and no other thread uses it or writes to `from`.
  // Reader section: not needed.
  INLAY_API void MoveOwner(StoragePointer& from, StoragePointer& to) noexcept;

  // Gives the memory of freed objects back to the system, as far as whole chunks are empty. Returns
  // how many bytes.
  // Reader section: not needed, allowed.
  INLAY_API size_t Trim() noexcept;

  // The number of maps in the domain.
  INLAY_API size_t maps() const noexcept;
  // All memory of the domain's maps and owners, including objects that wait for a grace period.
  INLAY_API MemoryUsage memory_usage() const;

 private:
  friend class LocalStorageMap;
  struct State;
  std::unique_ptr<State> state_;
};

// One kind of value: the kernel's bpf_local_storage_map.
//
// Thread-safety: all functions may run concurrently, except the destructor. A lock in the owner's
// storage serialises its writers. A reader sees the old value or the new one, never a mixture.
class LocalStorageMap {
 public:
  // Makes a map. Fails as CheckMapOptions(), or with kNoMemory; then *map is unchanged.
  INLAY_API static Status Create(LocalStorageDomain& domain, const MapOptions& options,
                                 std::unique_ptr<LocalStorageMap>* map) noexcept;

  // Frees the map and its values. They are absent in all owners from then on.
  // REQUIRES: no concurrent use of this map.
  // Reader section: REQUIRES none (waits for a grace period).
  INLAY_API ~LocalStorageMap();
  LocalStorageMap(const LocalStorageMap&) = delete;
  LocalStorageMap& operator=(const LocalStorageMap&) = delete;

  // The value, or null if absent. Never waits for a lock. A miss walks the owner's list, and fills
  // the cache if the owner's lock is free.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const StoragePointer& owner) const noexcept {
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

  // As Get(), but never fills the cache: takes no lock and stores nothing. Lock-free: if the cache
  // does not have the value, walks the owner's list, and walks it again if it found nothing and a
  // writer changed the list meanwhile. If the cache has it, *cached, if given, is the place there.
  const std::byte* Find(const StoragePointer& owner,
                        const std::atomic<const StorageData*>** cached = nullptr) const noexcept {
    const LocalStorage* const found = owner.load(std::memory_order_acquire);
    if (found == nullptr) return nullptr;
    const auto& place = reinterpret_cast<const LocalStorageCache*>(found)->slots[cache_slot_];
    const StorageData* const data = place.load(std::memory_order_acquire);
    if (data == nullptr || data->map != this) [[unlikely]] {
      return FindInList(*found);
    }
    if (cached != nullptr) *cached = &place;
    return data->value();
  }

  // Creates or replaces the value, with a new element. kExists, kNotFound: `flag` does not allow
  // it. kInvalid: wrong size. kOwnerLimit: the charger refused. kAccountLimit: the map's account
  // (MapOptions::account) did. kNoMemory. If the owner has any value, these precede the check of
  // the flag, as in the kernel. On failure nothing changed.
  // Reader section: not needed, allowed. Ordering: release.
  INLAY_API Status Update(StoragePointer& owner, std::span<const std::byte> value,
                          UpdateFlag flag) noexcept;

  // The value. If absent, first creates it from `init`, or from zeroes if `init` is empty. Null on
  // failure; *status, if given, then says why: kOwnerLimit, kNoMemory.
  // Reader section: required. Pointer valid until: the end of the section.
  INLAY_API const std::byte* GetOrCreate(StoragePointer& owner, std::span<const std::byte> init,
                                         Status* status) noexcept;

  // Runs `modify` on a copy and replaces the value by it, atomically. Runs it again on a new copy
  // if another writer changed the value meanwhile. Needs no charge, like the store through a
  // pointer that it emulates. kNotFound: absent. kNoMemory: no copy could be allocated.
  // Reader section: not needed, allowed. Ordering: release.
  INLAY_API Status Modify(StoragePointer& owner, ModifyFn modify) noexcept;

  // Deletes the value. kNotFound: absent. Readers may see the old value until their sections end.
  INLAY_API Status Delete(StoragePointer& owner) noexcept;

  const MapOptions& options() const { return options_; }
  uint32_t cache_slot() const { return cache_slot_; }
  // The map's elements, and the storages that its elements created.
  INLAY_API MemoryUsage memory_usage() const;
  // The number of owners that have a value of this map.
  size_t elements() const { return elements_.load(std::memory_order_relaxed); }

 private:
  friend class LocalStorageDomain;
  friend struct LocalStorage;
  friend struct LocalStorageElement;
  struct Buckets;

  LocalStorageMap(LocalStorageDomain& domain, const MapOptions& options, uint32_t cache_slot,
                  std::unique_ptr<Buckets> buckets);

  INLAY_API const std::byte* GetFromList(const StoragePointer& owner) const noexcept;
  INLAY_API const std::byte* FindInList(const LocalStorage& storage) const noexcept;
  size_t ElementBytes() const { return kStorageElementHeaderBytes + options_.value_bytes; }

  LocalStorageDomain& domain_;
  const MapOptions options_;
  const AccountUse account_use_;
  const uint32_t cache_slot_;
  std::atomic<bool> dying_{false};
  std::atomic<size_t> elements_{0};
  std::atomic<size_t> storages_{0};  // that this map's elements created and still pay for
  std::unique_ptr<Buckets> buckets_;
};

}  // namespace inlay

#endif  // INLAY_LOCAL_STORAGE_H_
