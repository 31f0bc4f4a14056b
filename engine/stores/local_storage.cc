#include "inlay/local_storage.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <numeric>
#include <thread>
#include <utility>

#include "engine/memory/allocate.h"
#include "engine/memory/size_classes.h"
#include "engine/memory/slab.h"
#include "engine/memory/value_bytes.h"
#include "engine/stores/local_storage_element.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"

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

  uint32_t TakeCacheSlot() {
    MutexLock lock(&mutex);
    uint32_t* const least = std::min_element(std::begin(slot_users), std::end(slot_users));
    ++*least;
    return static_cast<uint32_t>(least - slot_users);
  }
  void ReturnCacheSlot(uint32_t slot) {
    MutexLock lock(&mutex);
    --slot_users[slot];
  }

  // An element with an undefined value, not charged. Null without memory.
  LocalStorageElement* NewElement(LocalStorageMap& map);
  // As NewElement(), charged to the owner. Null also if the owner is at its limit.
  LocalStorageElement* NewChargedElement(LocalStorageMap& map, StoragePointer& owner);
  // Undoes NewChargedElement() for an element that is not published.
  void Discard(LocalStorageMap& map, StoragePointer& owner, LocalStorageElement* element);
  // Makes the owner's storage, with `first` in it. kNoMemory. kExists: another thread made one
  // meanwhile.
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

namespace {

LocalStorageMap& MapOf(const LocalStorageElement* element) {
  return const_cast<LocalStorageMap&>(*element->data.map);
}

// The owner's element of `map`. REQUIRES: a reader section, or the storage's lock.
//
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

}  // namespace

// --- making and linking

LocalStorageElement* LocalStorageDomain::State::NewElement(LocalStorageMap& map) {
  Slab* const slab = elements.For(map.ElementBytes());
  void* const place = slab->Allocate();
  if (place == nullptr) return nullptr;
  LocalStorageElement* const element = new (place) LocalStorageElement;
  element->slab = slab;
  element->data.map = &map;
  return element;
}

LocalStorageElement* LocalStorageDomain::State::NewChargedElement(LocalStorageMap& map,
                                                                  StoragePointer& owner) {
  if (!Charge(owner, map.ElementBytes())) return nullptr;
  LocalStorageElement* const element = NewElement(map);
  if (element == nullptr) Uncharge(owner, map.ElementBytes());
  return element;
}

void LocalStorageDomain::State::Discard(LocalStorageMap& map, StoragePointer& owner,
                                        LocalStorageElement* element) {
  if (element == nullptr) return;
  Uncharge(owner, map.ElementBytes());
  element->slab->Free(element);
}

Status LocalStorageDomain::State::AddStorage(LocalStorageMap& map, StoragePointer& owner,
                                             LocalStorageElement* first) {
  if (!Charge(owner, storage_charge_bytes)) return Status::kNoMemory;
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

// --- the domain

LocalStorageDomain::LocalStorageDomain(StorageCharger* charger, uint32_t storage_charge_bytes)
    : state_(std::make_unique<State>(charger, storage_charge_bytes)) {}

LocalStorageDomain::~LocalStorageDomain() { RetireBarrier(); }

void LocalStorageDomain::ReleaseOwner(StoragePointer& owner) noexcept {
  if (owner.load(std::memory_order_acquire) == nullptr) return;
  ReadSection section;
  LocalStorage* const storage = owner.load(std::memory_order_acquire);
  if (storage == nullptr) return;
  LockHold<WordLock> lock(&storage->lock);
  if (storage->owner == nullptr) return;  // a map's destructor removed the last value
  while (ListNode* const node = storage->elements.load(std::memory_order_relaxed)) {
    state_->Remove(storage, LocalStorageElement::FromOwnerNode(node));
  }
  state_->RemoveIfEmpty(storage);
}

Status LocalStorageDomain::CloneOwner(StoragePointer& parent, StoragePointer& child) noexcept {
  ReadSection section;
  LocalStorage* const storage = parent.load(std::memory_order_acquire);
  if (storage == nullptr) return Status::kOk;
  // Locked: without the lock, the walk would miss a value that an update replaces, since the new
  // element goes to the front.
  LockHold<WordLock> lock(&storage->lock);
  if (storage->owner == nullptr) return Status::kOk;  // another thread deleted the last value
  for (ListNode* node = storage->elements.load(std::memory_order_relaxed); node != nullptr;
       node = node->next.load(std::memory_order_relaxed)) {
    LocalStorageElement* const element = LocalStorageElement::FromOwnerNode(node);
    LocalStorageMap& map = MapOf(element);
    // A map's destructor waits for this section before it looks for elements.
    if (!map.options().clone || map.dying_.load(std::memory_order_acquire)) continue;
    const Status status =
        map.Update(child, {element->value(), map.options().value_bytes}, UpdateFlag::kAny);
    if (status != Status::kOk) {
      ReleaseOwner(child);
      return status;
    }
  }
  return Status::kOk;
}

size_t LocalStorageDomain::maps() const noexcept {
  MutexLock lock(&state_->mutex);
  return std::accumulate(std::begin(state_->slot_users), std::end(state_->slot_users), size_t{0});
}

size_t LocalStorageDomain::Trim() noexcept {
  return state_->storages.Trim() + state_->elements.Trim();
}

MemoryUsage LocalStorageDomain::memory_usage() const {
  MemoryUsage usage;
  const Slab& storages = state_->storages;
  usage.private_bytes = storages.objects() * storages.object_bytes();
  usage.slack_bytes = storages.slack_bytes();
  usage += state_->elements.memory_usage();
  return usage;
}

// --- the map

Status LocalStorageMap::Create(LocalStorageDomain& domain, const MapOptions& options,
                               std::unique_ptr<LocalStorageMap>* map) noexcept {
  if (const Status status = CheckMapOptions(options); status != Status::kOk) return status;
  if (const Status status = StartReclaiming(); status != Status::kOk) return status;
  std::unique_ptr<Buckets::Bucket[]> array = TryNewArray<Buckets::Bucket>(Buckets::Count());
  if (array == nullptr) return Status::kNoMemory;
  std::unique_ptr<Buckets> buckets = TryNew<Buckets>(std::move(array));
  if (buckets == nullptr || !AllocationAllowed()) return Status::kNoMemory;
  const uint32_t cache_slot = domain.state_->TakeCacheSlot();
  try {
    map->reset(new LocalStorageMap(domain, options, cache_slot, std::move(buckets)));
  } catch (const std::bad_alloc&) {
    domain.state_->ReturnCacheSlot(cache_slot);
    return Status::kNoMemory;
  }
  return Status::kOk;
}

LocalStorageMap::LocalStorageMap(LocalStorageDomain& domain, const MapOptions& options,
                                 uint32_t cache_slot, std::unique_ptr<Buckets> buckets)
    : domain_(domain), options_(options), cache_slot_(cache_slot), buckets_(std::move(buckets)) {}

LocalStorageMap::~LocalStorageMap() {
  dying_.store(true, std::memory_order_release);
  Synchronize();  // no CloneOwner() adds an element after this
  for (uint32_t i = 0; i < buckets_->count; ++i) {
    Buckets::Bucket& bucket = buckets_->buckets[i];
    for (;;) {
      ReadSection section;
      LocalStorage* storage = nullptr;
      LocalStorageElement* element = nullptr;
      {
        // The storage's lock comes before the bucket's: find the element, lock its storage, check
        // again.
        LockHold<WordLock> lock(&bucket.lock);
        ListNode* const node = bucket.elements.load(std::memory_order_relaxed);
        if (node == nullptr) break;
        element = LocalStorageElement::FromMapNode(node);
        storage = element->storage.load(std::memory_order_acquire);
      }
      if (storage == nullptr) continue;  // a writer of the owner is between the two lists
      LockHold<WordLock> lock(&storage->lock);
      if (!element->owner_node.linked()) continue;  // the owner was released meanwhile
      domain_.state_->Remove(storage, element);
      domain_.state_->RemoveIfEmpty(storage);
    }
  }
  Synchronize();  // after this, no reader compares with this map's address
  domain_.state_->ReturnCacheSlot(cache_slot_);
}

const std::byte* LocalStorageMap::GetFromList(const StoragePointer& owner) const noexcept {
  LocalStorage* const storage = owner.load(std::memory_order_acquire);
  if (storage == nullptr) return nullptr;
  LocalStorageElement* const element = FindElement(storage, this);
  if (element == nullptr) return nullptr;
  // A get does not wait: the lock may belong to a thread that a child of fork() does not have.
  if (!storage->lock.TryLock()) return element->value();
  // An element that was removed meanwhile must not get into the cache.
  if (element->owner_node.linked()) {
    storage->cache.slots[cache_slot_].store(&element->data, std::memory_order_release);
  }
  storage->lock.Unlock();
  return element->value();
}

const std::byte* LocalStorageMap::FindInList(const LocalStorage& storage) const noexcept {
  LocalStorageElement* const element = FindElement(&storage, this);
  return element != nullptr ? element->value() : nullptr;
}

Status LocalStorageMap::Update(StoragePointer& owner, std::span<const std::byte> value,
                               UpdateFlag flag) noexcept {
  if (value.size() != options_.value_bytes) return Status::kInvalid;
  LocalStorageDomain::State& domain = *domain_.state_;
  ReadSection section;
  LocalStorageElement* fresh = nullptr;
  const auto fail = [&](Status status) {
    domain.Discard(*this, owner, fresh);
    return status;
  };
  for (;;) {
    LocalStorage* const storage = owner.load(std::memory_order_acquire);
    if (storage == nullptr) {
      const Status status = CheckUpdateFlag(flag, false);
      if (status != Status::kOk) return fail(status);
    }
    // If the owner has any value, allocate and charge before checking the flag, as in the kernel: a
    // replacing update briefly needs room for both values.
    if (fresh == nullptr) {
      fresh = domain.NewChargedElement(*this, owner);
      if (fresh == nullptr) return Status::kNoMemory;
      CopyValue(fresh->value(), value, options_);
    }
    if (storage == nullptr) {
      const Status status = domain.AddStorage(*this, owner, fresh);
      if (status == Status::kOk) return Status::kOk;
      if (status == Status::kNoMemory) return fail(status);
      continue;  // another thread made the storage first
    }
    LockHold<WordLock> lock(&storage->lock);
    if (storage->owner == nullptr) continue;  // the last element was deleted meanwhile
    LocalStorageElement* const old = FindElement(storage, this);
    const Status status = CheckUpdateFlag(flag, old != nullptr);
    if (status != Status::kOk) return fail(status);
    domain.Replace(storage, fresh, old);
    return Status::kOk;
  }
}

const std::byte* LocalStorageMap::GetOrCreate(StoragePointer& owner,
                                              std::span<const std::byte> init,
                                              Status* status) noexcept {
  assert(InReadSection());
  std::unique_ptr<std::byte[]> zeroes;
  for (;;) {
    *status = Status::kOk;
    if (const std::byte* const found = Get(owner)) return found;
    if (init.empty()) {
      zeroes = TryNewArray<std::byte>(options_.value_bytes);
      if (zeroes == nullptr) {
        *status = Status::kNoMemory;
        return nullptr;
      }
      init = {zeroes.get(), options_.value_bytes};
    }
    *status = Update(owner, init, UpdateFlag::kNoExist);
    if (*status != Status::kOk && *status != Status::kExists) return nullptr;
  }
}

Status LocalStorageMap::Modify(StoragePointer& owner, ModifyFn modify) noexcept {
  LocalStorageDomain::State& domain = *domain_.state_;
  for (;; INLAY_TEST_POINT("modify.retries")) {
    ReadSection section;  // one for each attempt
    LocalStorage* const storage = owner.load(std::memory_order_acquire);
    LocalStorageElement* const old = storage != nullptr ? FindElement(storage, this) : nullptr;
    if (old == nullptr) return Status::kNotFound;
    LocalStorageElement* const fresh = domain.NewElement(*this);
    if (fresh == nullptr) return Status::kNoMemory;
    CopyValue(fresh->value(), {old->value(), options_.value_bytes}, options_);
    modify({fresh->value(), options_.value_bytes});
    ClearLock(fresh->value(), options_);
    {
      LockHold<WordLock> lock(&storage->lock);
      if (storage->owner != nullptr && old->owner_node.linked()) {
        domain.ReplaceInPlace(storage, fresh, old);
        return Status::kOk;
      }
    }
    fresh->slab->Free(fresh);
  }
}

Status LocalStorageMap::Delete(StoragePointer& owner) noexcept {
  ReadSection section;
  LocalStorage* const storage = owner.load(std::memory_order_acquire);
  if (storage == nullptr) return Status::kNotFound;
  LockHold<WordLock> lock(&storage->lock);
  INLAY_TEST_POINT("local_storage.delete_locked");
  if (storage->owner == nullptr) return Status::kNotFound;
  LocalStorageElement* const element = FindElement(storage, this);
  if (element == nullptr) return Status::kNotFound;
  domain_.state_->Remove(storage, element);
  domain_.state_->RemoveIfEmpty(storage);
  return Status::kOk;
}

MemoryUsage LocalStorageMap::memory_usage() const {
  MemoryUsage usage;
  usage.private_bytes =
      elements_.load(std::memory_order_relaxed) * KmallocBytes(ElementBytes()) +
      storages_.load(std::memory_order_relaxed) * KmallocBytes(kLocalStorageBytes);
  return usage;
}

}  // namespace inlay
