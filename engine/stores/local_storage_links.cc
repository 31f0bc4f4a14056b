// How values of inlay/local_storage.h are made, charged, linked to their owner and to their map,
// and removed.

#include <new>

#include "engine/stores/local_storage_state.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

LocalStorageMap& MapOf(const LocalStorageElement* element) {
  return const_cast<LocalStorageMap&>(*element->data.map);
}

}  // namespace

LocalStorageElement* LocalStorageDomain::State::NewElement(LocalStorageMap& map) {
  Slab* const slab = elements.For(map.ElementBytes());
  void* const place = slab->Allocate();
  if (place == nullptr) return nullptr;
  LocalStorageElement* const element = new (place) LocalStorageElement;
  element->slab = slab;
  element->data.map = &map;
  return element;
}

Status LocalStorageDomain::State::NewChargedElement(LocalStorageMap& map, StoragePointer& owner,
                                                    LocalStorageElement** element) {
  if (const Status status = ChargeElement(map, owner); status != Status::kOk) return status;
  *element = NewElement(map);
  if (*element != nullptr) return Status::kOk;
  UnchargeElement(map, owner);
  return Status::kNoMemory;
}

void LocalStorageDomain::State::Discard(LocalStorageMap& map, StoragePointer& owner,
                                        LocalStorageElement* element) {
  if (element == nullptr) return;
  UnchargeElement(map, owner);
  element->slab->Free(element);
}

Status LocalStorageDomain::State::AddStorage(LocalStorageMap& map, StoragePointer& owner,
                                             LocalStorageElement* first) {
  if (!Charge(owner, storage_charge_bytes)) return Status::kOwnerLimit;
  void* const place = storages.Allocate();
  if (place == nullptr) {
    Uncharge(owner, storage_charge_bytes);
    return Status::kNoMemory;
  }
  LocalStorage* const storage = new (place) LocalStorage;
  storage->owner = &owner;
  storage->map = &map;
  LocalStorage* expected = nullptr;
  {
    // A writer that finds the storage in the owner waits for this lock until the element is in the
    // map too.
    LockHold<WordLock> lock(&storage->lock);
    if (owner.compare_exchange_strong(expected, storage, std::memory_order_acq_rel)) {
      map.storages_.fetch_add(1, std::memory_order_relaxed);
      Link(storage, first);
      return Status::kOk;
    }
  }
  Uncharge(owner, storage_charge_bytes);
  storages.Free(storage);
  return Status::kExists;
}

void LocalStorageDomain::State::Link(LocalStorage* storage, LocalStorageElement* element) {
  AddToMap(storage, element);
  element->owner_node.LinkAt(&storage->elements);
}

void LocalStorageDomain::State::Replace(LocalStorage* storage, LocalStorageElement* fresh,
                                        LocalStorageElement* old) {
  // At the front, as in the kernel. FindElement() says why no reader misses both elements.
  Link(storage, fresh);
  if (old == nullptr) return;
  old->owner_node.Unlink();
  // The map that pays for the storage keeps paying: its element is replaced, not removed.
  LocalStorageMap* const maker = storage->map;
  storage->map = nullptr;
  RemoveFromMap(storage, old);
  storage->map = maker;
}

void LocalStorageDomain::State::ReplaceInPlace(LocalStorage* storage, LocalStorageElement* fresh,
                                               LocalStorageElement* old) {
  LocalStorageMap& map = MapOf(old);
  AddToMap(storage, fresh);
  // Out of the cache before the list changes: a reader that comes after another one, which found
  // the new element in the list, must not find the old one in the cache.
  std::atomic<const StorageData*>& cached = storage->cache.slots[map.cache_slot()];
  const bool was_cached = cached.load(std::memory_order_relaxed) == &old->data;
  if (was_cached) cached.store(nullptr, std::memory_order_relaxed);
  fresh->owner_node.Replace(&old->owner_node);
  if (was_cached) cached.store(&fresh->data, std::memory_order_release);
  LocalStorageMap::Buckets::Bucket& bucket = map.buckets_->Of(old);
  {
    LockHold<WordLock> lock(&bucket.lock);
    old->map_node.Unlink();
  }
  map.elements_.fetch_sub(1, std::memory_order_relaxed);
  Retire<LocalStorageElement::Reclaim>(&old->rcu_head);
}

void LocalStorageDomain::State::Remove(LocalStorage* storage, LocalStorageElement* element) {
  element->owner_node.Unlink();
  RemoveFromMap(storage, element);
}

void LocalStorageDomain::State::AddToMap(LocalStorage* storage, LocalStorageElement* element) {
  LocalStorageMap& map = MapOf(element);
  LocalStorageMap::Buckets::Bucket& bucket = map.buckets_->Of(element);
  {
    LockHold<WordLock> lock(&bucket.lock);
    element->map_node.LinkAt(&bucket.elements);
  }
  element->storage.store(storage, std::memory_order_release);
  map.elements_.fetch_add(1, std::memory_order_relaxed);
}

// Completes the removal of an element that is out of its owner's list.
void LocalStorageDomain::State::RemoveFromMap(LocalStorage* storage, LocalStorageElement* element) {
  LocalStorageMap& map = MapOf(element);
  LocalStorageMap::Buckets::Bucket& bucket = map.buckets_->Of(element);
  {
    LockHold<WordLock> lock(&bucket.lock);
    element->map_node.Unlink();
  }
  std::atomic<const StorageData*>& cached = storage->cache.slots[map.cache_slot()];
  if (cached.load(std::memory_order_relaxed) == &element->data) {
    cached.store(nullptr, std::memory_order_release);
  }
  if (storage->map == &map) {
    storage->map = nullptr;
    map.storages_.fetch_sub(1, std::memory_order_relaxed);
  }
  map.elements_.fetch_sub(1, std::memory_order_relaxed);
  UnchargeElement(map, *storage->owner);
  Retire<LocalStorageElement::Reclaim>(&element->rcu_head);
}

void LocalStorageDomain::State::RemoveIfEmpty(LocalStorage* storage) {
  if (storage->elements.load(std::memory_order_relaxed) != nullptr) return;
  StoragePointer* const owner = storage->owner;
  Uncharge(*owner, storage_charge_bytes);
  storage->owner = nullptr;
  owner->store(nullptr, std::memory_order_release);  // last: the owner may be freed after it
  storage->slab = &storages;
  Retire<ReclaimStorage>(&storage->rcu_head);
}

void LocalStorageDomain::State::ReclaimStorage(RcuHead* head) {
  auto* const storage = reinterpret_cast<LocalStorage*>(reinterpret_cast<std::byte*>(head) -
                                                        offsetof(LocalStorage, rcu_head));
  storage->slab->Free(storage);
}

}  // namespace inlay
