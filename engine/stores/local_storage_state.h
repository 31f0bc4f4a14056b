// The state behind inlay/local_storage.h: what a domain and a map keep, and the steps that link a
// value to its owner and to its map, and charge it.

#ifndef INLAY_ENGINE_STORES_LOCAL_STORAGE_STATE_H_
#define INLAY_ENGINE_STORES_LOCAL_STORAGE_STATE_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "engine/memory/size_classes.h"
#include "engine/memory/slab.h"
#include "engine/stores/local_storage_element.h"
#include "engine/sync/mutex.h"
#include "inlay/local_storage.h"

namespace inlay {

// One of the lists of a map's elements; the map's destructor walks them.
struct LocalStorageMap::Buckets {
  struct Bucket {
    WordLock lock;
    std::atomic<ListNode*> elements{nullptr};
  };

  // As in the kernel: one per possible CPU, rounded up to a power of two, at least two.
  static uint32_t Count() {
    return std::bit_ceil(std::max(2U, std::thread::hardware_concurrency()));
  }

  explicit Buckets(std::unique_ptr<Bucket[]> array) : buckets(std::move(array)), count(Count()) {}

  Bucket& Of(const LocalStorageElement* element) {
    const uint64_t mixed = reinterpret_cast<uintptr_t>(element) * 0x9e37'79b9'7f4a'7c15U;
    return buckets[(mixed >> 32) & (count - 1)];
  }

  std::unique_ptr<Bucket[]> buckets;
  const uint32_t count;
};

struct LocalStorageDomain::State {
  State(StorageCharger* charger_or_null, uint32_t charge_bytes)
      : charger(charger_or_null), storage_charge_bytes(charge_bytes) {}

  StorageCharger* const charger;
  const uint32_t storage_charge_bytes;
  Slab storages{KmallocBytes(kLocalStorageBytes)};
  SizeClasses elements;

  Mutex mutex;
  uint32_t slot_users[kStorageCacheSlots] GUARDED_BY(mutex) = {};

  bool Charge(StoragePointer& owner, size_t bytes) {
    return charger == nullptr || charger->Charge(owner, static_cast<uint32_t>(bytes));
  }
  void Uncharge(StoragePointer& owner, size_t bytes) {
    if (charger != nullptr) charger->Uncharge(owner, static_cast<uint32_t>(bytes));
  }
  // An element, to its map's account and to its owner. In the kernel the map's memory cgroup pays
  // for it too.
  Status ChargeElement(LocalStorageMap& map, StoragePointer& owner) {
    Account* const account = map.options().account;
    if (account != nullptr && !account->Charge(map.ElementBytes())) return Status::kAccountLimit;
    if (Charge(owner, map.ElementBytes())) return Status::kOk;
    if (account != nullptr) account->Uncharge(map.ElementBytes());
    return Status::kOwnerLimit;
  }
  void UnchargeElement(LocalStorageMap& map, StoragePointer& owner) {
    Uncharge(owner, map.ElementBytes());
    if (map.options().account != nullptr) map.options().account->Uncharge(map.ElementBytes());
  }

  uint32_t TakeCacheSlot();
  void ReturnCacheSlot(uint32_t slot);

  // An element with an undefined value, not charged. Null without memory.
  LocalStorageElement* NewElement(LocalStorageMap& map);
  // As NewElement(), charged. kAccountLimit, kOwnerLimit, kNoMemory: *element is null.
  Status NewChargedElement(LocalStorageMap& map, StoragePointer& owner,
                           LocalStorageElement** element);
  // Undoes NewChargedElement() for an element that is not published.
  void Discard(LocalStorageMap& map, StoragePointer& owner, LocalStorageElement* element);
  // Makes the owner's storage, with `first` in it. kOwnerLimit. kNoMemory. kExists: another
  // thread made one meanwhile.
  Status AddStorage(LocalStorageMap& map, StoragePointer& owner, LocalStorageElement* first);
  // Adds a charged `fresh` to a live storage, and removes `old` if it is not null.
  void Replace(LocalStorage* storage, LocalStorageElement* fresh, LocalStorageElement* old)
      EXCLUSIVE_LOCKS_REQUIRED(storage->lock);
  // Replaces `old` by an uncharged `fresh`, also in the cache; `fresh` inherits the charge.
  void ReplaceInPlace(LocalStorage* storage, LocalStorageElement* fresh, LocalStorageElement* old)
      EXCLUSIVE_LOCKS_REQUIRED(storage->lock);
  void Link(LocalStorage* storage, LocalStorageElement* element)
      EXCLUSIVE_LOCKS_REQUIRED(storage->lock);
  void AddToMap(LocalStorage* storage, LocalStorageElement* element)
      EXCLUSIVE_LOCKS_REQUIRED(storage->lock);
  void RemoveFromMap(LocalStorage* storage, LocalStorageElement* element)
      EXCLUSIVE_LOCKS_REQUIRED(storage->lock);
  // Removes an element from its storage and its map, uncharges and retires it.
  void Remove(LocalStorage* storage, LocalStorageElement* element)
      EXCLUSIVE_LOCKS_REQUIRED(storage->lock);
  // After the last element: unlinks the storage from its owner and retires it.
  void RemoveIfEmpty(LocalStorage* storage) EXCLUSIVE_LOCKS_REQUIRED(storage->lock);
  static void ReclaimStorage(RcuHead* head);
};

}  // namespace inlay

#endif  // INLAY_ENGINE_STORES_LOCAL_STORAGE_STATE_H_
