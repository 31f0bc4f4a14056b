#include "inlay/emulated/pointer_map.h"

#include <new>

#include "engine/layouts/get_or_make.h"
#include "engine/memory/allocate.h"

namespace inlay {

Status PointerMap::Create(SocketTable& table, const MapOptions& options,
                          std::unique_ptr<PointerMap>* map) noexcept {
  std::unique_ptr<LocalStorageMap> storage_map;
  const Status status = LocalStorageMap::Create(table.storage_domain(), options, &storage_map);
  if (status != Status::kOk) return status;
  if (!AllocationAllowed()) return Status::kNoMemory;
  PointerMap* const made = new (std::nothrow) PointerMap(table, std::move(storage_map));
  if (made == nullptr) return Status::kNoMemory;
  map->reset(made);
  return Status::kOk;
}

const std::byte* PointerMap::GetOrCreate(Socket& socket, std::span<const std::byte> init,
                                         Status* status) noexcept {
  return GetOrMake(*this, socket, init, status, [&](Status* result) {
    return map_->GetOrCreate(socket.sk_bpf_storage, init, result);
  });
}

Status PointerMap::Update(Socket& socket, std::span<const std::byte> value,
                          UpdateFlag flag) noexcept {
  if (value.size() != value_bytes()) return Status::kInvalid;
  if (socket.is_dying()) return Status::kNotFound;
  return map_->Update(socket.sk_bpf_storage, value, flag);
}

Status PointerMap::Clone(Socket& parent, Socket& child) noexcept {
  if (!options().clone) return Status::kOk;
  ReadSection section;
  const std::byte* const value = Get(parent);
  if (value == nullptr) return Status::kOk;
  return Update(child, {value, value_bytes()}, UpdateFlag::kAny);
}

MemoryUsage PointerMap::memory_usage() const {
  MemoryUsage usage = map_->memory_usage();
  usage.inline_bytes = table_.sockets() * sizeof(StoragePointer) / table_.storage_domain().maps();
  return usage;
}

bool PointerMap::CheckInvariants(std::string* /*reason*/) const { return true; }

}  // namespace inlay
