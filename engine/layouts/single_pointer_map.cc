#include "inlay/emulated/single_pointer_map.h"

#include <cstring>
#include <new>

#include "engine/layouts/get_or_make.h"
#include "engine/memory/allocate.h"
#include "engine/memory/value_bytes.h"
#include "engine/stores/single_pointer_objects.h"
#include "engine/sync/test_point.h"
#include "inlay/rcu.h"

namespace inlay {

Status SinglePointerMap::Create(SocketTable& table, const MapOptions& options,
                                std::unique_ptr<SinglePointerMap>* map) noexcept {
  if (const Status status = CheckMapOptions(options); status != Status::kOk) return status;
  if (!AllocationAllowed()) return Status::kNoMemory;
  std::unique_ptr<SinglePointerMap> made;
  try {
    made.reset(new SinglePointerMap(table, options));
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  const Status status = table.single_pointer_objects().Register(made.get());
  if (status != Status::kOk) return status;
  made->registered_ = true;
  *map = std::move(made);
  return Status::kOk;
}

SinglePointerMap::~SinglePointerMap() {
  if (registered_) table_.single_pointer_objects().Unregister(this);
}

const std::byte* SinglePointerMap::GetOrCreate(Socket& socket, std::span<const std::byte> init,
                                               Status* status) noexcept {
  return GetOrMake(*this, socket, init, status, [&](Status* result) {
    SinglePointerObjects& storage = table_.single_pointer_objects();
    MutexLock lock(&storage.LockOf(socket));
    if (Get(socket) == nullptr) *result = storage.Put(socket, *this, init);
    return Get(socket);
  });
}

Status SinglePointerMap::Update(Socket& socket, std::span<const std::byte> value,
                                UpdateFlag flag) noexcept {
  if (value.size() != value_bytes()) return Status::kInvalid;
  if (socket.is_dying()) return Status::kNotFound;
  SinglePointerObjects& storage = table_.single_pointer_objects();
  MutexLock lock(&storage.LockOf(socket));
  const Status status = CheckUpdateFlag(flag, Get(socket) != nullptr);
  return status == Status::kOk ? storage.Put(socket, *this, value) : status;
}

Status SinglePointerMap::Modify(Socket& socket, ModifyFn modify) noexcept {
  SinglePointerObjects& storage = table_.single_pointer_objects();
  const ValueBuffer buffer(value_bytes());
  if (buffer.bytes().empty()) return Status::kNoMemory;
  for (;; INLAY_TEST_POINT("modify.retries")) {
    ReadSection section;  // one for each attempt
    const std::byte* const found = Get(socket);
    if (found == nullptr) return Status::kNotFound;
    std::memcpy(buffer.bytes().data(), found, value_bytes());
    modify(buffer.bytes());
    MutexLock lock(&storage.LockOf(socket));
    // No object that this section saw is freed before its end, so the same address means the same
    // bytes.
    if (Get(socket) == found) return storage.Put(socket, *this, buffer.bytes());
  }
}

Status SinglePointerMap::Delete(Socket& socket) noexcept {
  SinglePointerObjects& storage = table_.single_pointer_objects();
  MutexLock lock(&storage.LockOf(socket));
  if (Get(socket) == nullptr) return Status::kNotFound;
  storage.Remove(socket, *this);
  return Status::kOk;
}

Status SinglePointerMap::Clone(Socket& parent, Socket& child) noexcept {
  if (!options_.clone) return Status::kOk;
  ReadSection section;
  const std::byte* const value = Get(parent);
  if (value == nullptr) return Status::kOk;
  return Update(child, {value, value_bytes()}, UpdateFlag::kAny);
}

MemoryUsage SinglePointerMap::memory_usage() const {
  const SinglePointerObjects& storage = table_.single_pointer_objects();
  const size_t all_bytes = storage.value_bytes();
  MemoryUsage usage;
  usage.inline_bytes = table_.sockets() * sizeof(void*) / storage.registered_maps();
  if (all_bytes > 0) {
    usage.private_bytes = static_cast<size_t>(
        static_cast<double>(storage.memory_usage().private_bytes) *
        static_cast<double>(values_.load(std::memory_order_relaxed) * value_bytes()) /
        static_cast<double>(all_bytes));
  }
  return usage;
}

bool SinglePointerMap::CheckInvariants(std::string* /*reason*/) const { return true; }

}  // namespace inlay
