// PointerMap: the kernel's present layout over emulated sockets. sk -> sk_bpf_storage -> cache slot
// -> element: two dependent loads into two allocations. What it looks like is drawn in
// local_storage.h, what the operations do in each state is in storage_map.h. Where this layout
// differs:
//   - Every value is private: 72 + value_bytes in a slab class of the kernel's, and 176 bytes for
//     the storage of a socket that has any value. Both are charged to sk_omem_alloc.
//   - An update that replaces a value needs room for both values for a moment; so does one that
//     then answers kExists or kNotFound, unless the socket has no value of any map. Modify needs
//     none.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_POINTER_MAP_H_
#define INLAY_POINTER_MAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "inlay/local_storage.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/socket.h"
#include "inlay/status.h"

namespace inlay {

class PointerMap {
 public:
  // As CheckMapOptions(); kNoMemory. *map unchanged on failure.
  static Status Create(SocketTable& table, const MapOptions& options,
                       std::unique_ptr<PointerMap>* map) noexcept;

  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    return map_->Get(socket.sk_bpf_storage);
  }

  // Reader section: required. Pointer valid until: the end of the section. *status, if given, says
  // why the answer is null: kNoMemory, kInvalid (wrong size), kNotFound (the socket is dying).
  const std::byte* GetOrCreate(Socket& socket, std::span<const std::byte> init,
                               Status* status = nullptr) noexcept;

  // The following need no reader section, and allow one. Ordering: release.
  Status Update(Socket& socket, std::span<const std::byte> value, UpdateFlag flag) noexcept;
  Status Modify(Socket& socket, ModifyFn modify) noexcept {
    return map_->Modify(socket.sk_bpf_storage, modify);
  }
  Status Delete(Socket& socket) noexcept { return map_->Delete(socket.sk_bpf_storage); }
  Status Clone(Socket& parent, Socket& child) noexcept;

  const MapOptions& options() const { return map_->options(); }
  uint32_t value_bytes() const { return map_->options().value_bytes; }
  // Which of the cache's slots is this map's. Constant.
  uint32_t cache_slot() const { return map_->cache_slot(); }
  MemoryUsage memory_usage() const;
  // Nothing is shared, so there is nothing to recount: true.
  bool CheckInvariants(std::string* reason) const;

 private:
  PointerMap(SocketTable& table, std::unique_ptr<LocalStorageMap> map)
      : table_(table), map_(std::move(map)) {}

  SocketTable& table_;
  std::unique_ptr<LocalStorageMap> map_;
};

}  // namespace inlay

#endif  // INLAY_POINTER_MAP_H_
