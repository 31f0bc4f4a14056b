#include "engine/stores/single_pointer_objects.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

#include "engine/memory/value_bytes.h"
#include "engine/sync/broken_rule.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

constexpr size_t RoundUp8(size_t bytes) { return (bytes + 7) / 8 * 8; }

constexpr size_t HeaderBytes(uint32_t maps) {
  return sizeof(SingleObject) + RoundUp8(maps * sizeof(std::atomic<uint32_t>));
}

bool Holds(const SingleObject* object, uint32_t number) {
  return object != nullptr && object->Find(number) != nullptr;
}

}  // namespace

SinglePointerObjects::~SinglePointerObjects() {
  if (registered_maps() > 0) {
    BrokenRule("map", "", "outlives its SocketTable: destroy all its maps first");
  }
  RetireBarrier();
}

// --- maps

Status SinglePointerObjects::Register(SinglePointerMap* map_to_add) noexcept {
  MutexLock lock(&mutex_);
  if (maps_.base() == nullptr && !maps_.Reserve(kMaxMaps * sizeof(MapEntry))) {
    return Status::kNoMemory;
  }
  uint32_t number = 0;
  while (number < numbers_ && map(number).load(std::memory_order_relaxed) != nullptr) ++number;
  if (number == kMaxMaps || !maps_.Commit((size_t{number} + 1) * sizeof(MapEntry))) {
    return Status::kNoMemory;
  }
  map_to_add->number_ = number;
  map(number).store(map_to_add, std::memory_order_release);
  numbers_ = std::max(numbers_, number + 1);
  registered_maps_.fetch_add(1, std::memory_order_relaxed);
  return Status::kOk;
}

void SinglePointerObjects::Unregister(SinglePointerMap* dead) noexcept {
  dead->dying_.store(true, std::memory_order_release);
  Synchronize();  // no CloneOwner() makes a value of this map after this
  table_.ForEach([&](Socket& socket) {
    MutexLock lock(&LockOf(socket));
    if (dead->Get(socket) != nullptr) Remove(socket, *dead);
  });
  Synchronize();  // no thread looks up the map by its number after this
  MutexLock lock(&mutex_);
  map(dead->number_).store(nullptr, std::memory_order_release);
  registered_maps_.fetch_sub(1, std::memory_order_relaxed);
}

// --- objects

SingleObject* SinglePointerObjects::NewObject(uint32_t maps, size_t object_bytes) noexcept {
  Slab* const slab = objects_.For(object_bytes);
  void* const room = slab != nullptr ? slab->Allocate() : nullptr;
  if (room == nullptr) return nullptr;
  auto* const object = new (room) SingleObject{};
  object->slab = slab;
  object->object_bytes = static_cast<uint32_t>(object_bytes);
  object->maps = maps;
  for (uint32_t number = 0; number < maps; ++number) {
    new (&object->offset_bytes(number)) std::atomic<uint32_t>(0);
  }
  return object;
}

SingleObject* SinglePointerObjects::Copy(const SingleObject* from,
                                         FunctionRef<bool(uint32_t number)> keep,
                                         const SinglePointerMap* added,
                                         std::span<const std::byte> value, bool* empty) noexcept {
  const uint32_t from_maps = from != nullptr ? from->maps : 0;
  uint32_t maps = added != nullptr ? added->number_ + 1 : 0;
  size_t values_bytes = added != nullptr ? RoundUp8(added->value_bytes()) : 0;
  const auto copied = [&](uint32_t number) {
    return Holds(from, number) && keep(number) && (added == nullptr || number != added->number_);
  };
  for (uint32_t number = 0; number < from_maps; ++number) {
    if (!copied(number)) continue;
    maps = std::max(maps, number + 1);
    values_bytes += RoundUp8(LengthOf(number));
  }
  *empty = maps == 0;
  if (*empty) return nullptr;
  SingleObject* const object = NewObject(maps, HeaderBytes(maps) + values_bytes);
  if (object == nullptr) return nullptr;
  auto end = static_cast<uint32_t>(HeaderBytes(maps));
  for (uint32_t number = 0; number < maps; ++number) {
    std::byte* const to = reinterpret_cast<std::byte*>(object) + end;
    uint32_t length = 0;
    if (added != nullptr && number == added->number_) {
      length = added->value_bytes();
      CopyValue(to, value, added->options());
    } else if (number < from_maps && copied(number)) {
      // Look up again: without the owner's lock a delete may have zeroed the offset meanwhile.
      const std::byte* const found = from->Find(number);
      if (found == nullptr) continue;
      length = LengthOf(number);
      std::memcpy(to, found, length);
    } else {
      continue;
    }
    object->offset_bytes(number).store(end, std::memory_order_relaxed);
    end += static_cast<uint32_t>(RoundUp8(length));
  }
  // Charge the real size, which is smaller if a value was deleted meanwhile.
  *empty = end == HeaderBytes(maps);
  if (*empty) {
    object->slab->Free(object);
    return nullptr;
  }
  object->object_bytes = end;
  return object;
}

void SinglePointerObjects::Reclaim(RcuHead* head) {
  auto* const object = reinterpret_cast<SingleObject*>(head);
  object->slab->Free(object);
}

// Adds the object's values to the maps' counts, or subtracts them.
void SinglePointerObjects::Count(const SingleObject* object, int64_t sign) noexcept {
  if (object == nullptr) return;
  for (uint32_t number = 0; number < object->maps; ++number) {
    if (!Holds(object, number)) continue;
    SinglePointerMap& counted = *map(number).load(std::memory_order_acquire);
    counted.values_.fetch_add(static_cast<size_t>(sign), std::memory_order_relaxed);
    value_bytes_.fetch_add(static_cast<size_t>(sign * counted.value_bytes()),
                           std::memory_order_relaxed);
  }
}

// Replaces the socket's object by `fresh`, or by null. The caller has charged the bytes by which
// `fresh` is larger.
void SinglePointerObjects::Publish(Socket& socket, SingleObject* fresh) noexcept {
  Count(fresh, 1);
  SingleObject* const old = socket.sk_single_object.load(std::memory_order_relaxed);
  socket.sk_single_object.store(fresh, std::memory_order_release);
  if (old == nullptr) return;
  Count(old, -1);
  const uint32_t still_charged = fresh != nullptr ? fresh->object_bytes : 0;
  if (old->object_bytes > still_charged) {
    table_.UnchargeOmem(socket, old->object_bytes - still_charged);
  }
  Retire<Reclaim>(&old->rcu_head);
}

Status SinglePointerObjects::Put(Socket& socket, const SinglePointerMap& map_to_set,
                                 std::span<const std::byte> value) noexcept {
  const SingleObject* const old = socket.sk_single_object.load(std::memory_order_relaxed);
  bool empty = false;
  SingleObject* const fresh = Copy(
      old, [](uint32_t) { return true; }, &map_to_set, value, &empty);
  if (fresh == nullptr) return Status::kNoMemory;
  const uint32_t charged = old != nullptr ? old->object_bytes : 0;
  if (fresh->object_bytes > charged && !table_.ChargeOmem(socket, fresh->object_bytes - charged)) {
    fresh->slab->Free(fresh);
    return Status::kOwnerLimit;
  }
  Publish(socket, fresh);
  return Status::kOk;
}

void SinglePointerObjects::Remove(Socket& socket, const SinglePointerMap& map_to_remove) noexcept {
  SingleObject* const old = socket.sk_single_object.load(std::memory_order_relaxed);
  const uint32_t removed = map_to_remove.number_;
  bool empty = false;
  SingleObject* const fresh = Copy(
      old, [removed](uint32_t number) { return number != removed; }, nullptr, {}, &empty);
  if (fresh != nullptr || empty) {
    Publish(socket, fresh);
    return;
  }
  // No memory for a smaller object.
  Count(old, -1);
  old->offset_bytes(removed).store(0, std::memory_order_release);
  Count(old, 1);
}

// --- closing and cloning sockets

void SinglePointerObjects::CloseOwner(Socket& socket) noexcept {
  if (socket.sk_single_object.load(std::memory_order_acquire) == nullptr) return;
  ReadSection section;  // keeps the maps of the values alive
  MutexLock lock(&LockOf(socket));
  Publish(socket, nullptr);
}

Status SinglePointerObjects::CloneOwner(Socket& parent, Socket& child) noexcept {
  ReadSection section;
  const SingleObject* const from = parent.sk_single_object.load(std::memory_order_acquire);
  if (from == nullptr) return Status::kOk;
  const auto is_cloned = [this](uint32_t number) {
    const SinglePointerMap& cloned = *map(number).load(std::memory_order_acquire);
    return cloned.options().clone && !cloned.dying_.load(std::memory_order_acquire);
  };
  bool empty = false;
  SingleObject* const copy = Copy(from, is_cloned, nullptr, {}, &empty);
  if (copy == nullptr) return empty ? Status::kOk : Status::kNoMemory;
  if (!table_.ChargeOmem(child, copy->object_bytes)) {
    copy->slab->Free(copy);
    return Status::kOwnerLimit;
  }
  MutexLock lock(&LockOf(child));
  Publish(child, copy);
  return Status::kOk;
}

}  // namespace inlay
