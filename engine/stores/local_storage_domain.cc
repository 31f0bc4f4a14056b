// LocalStorageDomain: owners with all their values, and what maps share (inlay/local_storage.h).

#include <algorithm>
#include <cassert>
#include <iterator>
#include <numeric>

#include "engine/stores/local_storage_state.h"
#include "engine/sync/broken_rule.h"
#include "inlay/rcu.h"

namespace inlay {

uint32_t LocalStorageDomain::State::TakeCacheSlot() {
  MutexLock lock(&mutex);
  uint32_t* const least = std::min_element(std::begin(slot_users), std::end(slot_users));
  ++*least;
  return static_cast<uint32_t>(least - slot_users);
}

void LocalStorageDomain::State::ReturnCacheSlot(uint32_t slot) {
  MutexLock lock(&mutex);
  --slot_users[slot];
}

LocalStorageDomain::LocalStorageDomain(StorageCharger* charger, uint32_t storage_charge_bytes)
    : state_(std::make_unique<State>(charger, storage_charge_bytes)) {}

LocalStorageDomain::~LocalStorageDomain() {
  if (maps() > 0) BrokenRule("map", "", "outlives its LocalStorageDomain: destroy it first");
  RetireBarrier();
}

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
    auto& map = const_cast<LocalStorageMap&>(*element->data.map);
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

void LocalStorageDomain::MoveOwner(StoragePointer& from, StoragePointer& to) noexcept {
  ReadSection section;
  LocalStorage* const storage = from.load(std::memory_order_acquire);
  if (storage == nullptr) return;
  LockHold<WordLock> lock(&storage->lock);
  if (storage->owner == nullptr) return;  // a map's destructor removed the last value
  assert(to.load() == nullptr && "an owner is moved to one that has values");
  storage->owner = &to;
  to.store(storage, std::memory_order_release);
  from.store(nullptr, std::memory_order_release);
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

}  // namespace inlay
