// LocalStorageMap: one kind of value (inlay/local_storage.h).

#include <cassert>
#include <new>
#include <utility>

#include "engine/memory/allocate.h"
#include "engine/memory/value_bytes.h"
#include "engine/stores/local_storage_state.h"
#include "engine/sync/test_point.h"
#include "inlay/rcu.h"

namespace inlay {

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
    : domain_(domain),
      options_(options),
      account_use_(options.account),
      cache_slot_(cache_slot),
      buckets_(std::move(buckets)) {}

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
      const Status status = domain.NewChargedElement(*this, owner, &fresh);
      if (status != Status::kOk) return status;
      CopyValue(fresh->value(), value, options_);
    }
    if (storage == nullptr) {
      const Status status = domain.AddStorage(*this, owner, fresh);
      if (status == Status::kOk) return Status::kOk;
      if (status != Status::kExists) return fail(status);
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
