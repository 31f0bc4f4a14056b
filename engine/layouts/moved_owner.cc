// How an index map moves the value of an owner that moves in memory, and what it does about owners
// that were moved without it.
//
// The hazard is the library's thread, which brings spilled owners home. It knows `from` and `to`
// from the side table, and changes a code only under the owner's lock, from the spilled one, while
// the private value is there:
//   1. The copy for `to` is in the side table before the code of `to` is the spilled one. A step
//      that finds it before sees another code, and leaves it alone.
//   2. The code of `from` moves by a swap. If a step was first, the code is an index, and the copy
//      is superfluous. If the move was first, the step's swap fails.
//   3. The old private value is removed under the lock of `from`, as in Store::Close(): after that,
//      no step touches `from`.

#include <atomic>
#include <cassert>
#include <cstdint>
#include <span>

#include "engine/layouts/private_values.h"
#include "engine/sync/mutex.h"
#include "inlay/index_map.h"
#include "inlay/store.h"

namespace inlay {

Status IndexMap::PrepareMove(const OwnerRef& from, const OwnerRef& to) noexcept {
  if (!private_values_->by_address() || !from.words().Holds(field_) ||
      from.words().Load(field_) != field_.spilled_code()) {
    return Status::kOk;
  }
  const std::byte* const value = private_values_->Get(from);
  if (value == nullptr) return Status::kOk;  // it has just come home, or is lost
  MutexLock lock(&private_values_->LockOf(to));
  const Status status = private_values_->PutMoved(to, {value, options_.value_bytes});
  return IsNoMemory(status) ? CountNoMemory(status) : status;
}

void IndexMap::AbandonMove(const OwnerRef& to) noexcept {
  if (!private_values_->by_address() || !to.words().Holds(field_)) return;
  MutexLock lock(&private_values_->LockOf(to));
  private_values_->Remove(to);
}

void IndexMap::CodeMoved(const OwnerRef& from, const OwnerRef& to, uint32_t code) noexcept {
  if (!private_values_->by_address()) return;
  if (code != field_.spilled_code()) return AbandonMove(to);  // it has come home meanwhile
  MutexLock lock(&private_values_->LockOf(from));
  if (!private_values_->Remove(from)) NoteMissingPrivate();
}

// Whether the owner's code names a private value that it does not have. Only under the owner's lock
// do both belong to one moment; a writer that holds it will let the caller see something new.
bool IndexMap::LacksPrivate(const OwnerRef& owner) const noexcept {
  Mutex& mutex = private_values_->LockOf(owner);
  if (!mutex.TryLock()) return false;
  const bool lacks =
      owner.words().Load(field_) == field_.spilled_code() && private_values_->Get(owner) == nullptr;
  mutex.Unlock();
  if (lacks) NoteMissingPrivate();
  return lacks;
}

void IndexMap::NoteMissingPrivate() const noexcept {
  missing_private_.fetch_add(1, std::memory_order_relaxed);
  assert(false && "an owner has lost its private value: was it moved without Store::Move()?");
}

}  // namespace inlay
