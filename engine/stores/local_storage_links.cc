// How values of inlay/local_storage.h are made, charged, linked to their owner and to their map, and
// removed.

#include <new>

#include "engine/stores/local_storage_state.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

LocalStorageMap& MapOf(const LocalStorageElement* element) {
  return const_cast<LocalStorageMap&>(*element->data.map);
}

}  // namespace

// A reader may pass the front of the list before an update adds the new element there, and reach
// the end after the update has removed the old one. Then the front has changed, and the reader
// searches again. So if it finds nothing, the value was absent at some moment of the search.
LocalStorageElement* FindElement(const LocalStorage* storage, const LocalStorageMap* map) {
  for (ListNode* first = storage->elements.load(std::memory_order_acquire);;) {
    for (ListNode* node = first; node != nullptr;
         node = node->next.load(std::memory_order_acquire)) {
      LocalStorageElement* const element = LocalStorageElement::FromOwnerNode(node);
      if (element->data.map == map) return element;
    }
    ListNode* const now_first = storage->elements.load(std::memory_order_acquire);
    if (now_first == first) return nullptr;
    first = now_first;
  }
}

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
  if (!Charge(owner, map.ElementBytes())) return Status::kOwnerLimit;
  *element = NewElement(map);
  if (*element != nullptr) return Status::kOk;
  Uncharge(owner, map.ElementBytes());
  return Status::kNoMemory;
}

void LocalStorageDomain::State::Discard(LocalStorageMap& map, StoragePointer& owner,
                                        LocalStorageElement* element) {
  if (element == nullptr) return;
  Uncharge(owner, map.ElementBytes());
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
  Uncharge(*storage->owner, map.ElementBytes());
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
