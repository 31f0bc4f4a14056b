// PointerMap: the kernel's present layout over emulated sockets. A get follows sk -> sk_bpf_storage
// -> cache slot -> element: two dependent loads into two allocations. local_storage.h has a
// picture; value_map.h says what each operation does in each state. This layout differs in these
// points:
//   - Every value is private: 72 + value_bytes in one of the kernel's size classes, and 176 bytes
//     for the storage of a socket that has a value. Both are charged to sk_omem_alloc.
//   - An update that replaces a value briefly needs room for both. So does one that fails with
//     kExists or kNotFound, unless the socket has no value of any map. Modify needs no room.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_EMULATED_POINTER_MAP_H_
#define INLAY_EMULATED_POINTER_MAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "inlay/emulated/socket.h"
#include "inlay/export.h"
#include "inlay/local_storage.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"

namespace inlay {

class PointerMap {
 public:
  // Makes a map. Fails as CheckMapOptions(), or with kNoMemory; then *map is unchanged.
  INLAY_API static Status Create(SocketTable& table, const MapOptions& options,
                                 std::unique_ptr<PointerMap>* map) noexcept;

  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    return map_->Get(socket.sk_bpf_storage);
  }

  // Reader section: required. Pointer valid until: the end of the section. Null on failure;
  // *status, if given, then says why. kNoMemory. kInvalid: wrong size. kNotFound: the socket is
  // dying.
  INLAY_API const std::byte* GetOrCreate(Socket& socket, std::span<const std::byte> init,
                                         Status* status = nullptr) noexcept;

  // The following functions work inside and outside of a reader section. Ordering: release.
  INLAY_API Status Update(Socket& socket, std::span<const std::byte> value,
                          UpdateFlag flag) noexcept;
  Status Modify(Socket& socket, ModifyFn modify) noexcept {
    return map_->Modify(socket.sk_bpf_storage, modify);
  }
  Status Delete(Socket& socket) noexcept { return map_->Delete(socket.sk_bpf_storage); }
  INLAY_API Status Clone(Socket& parent, Socket& child) noexcept;

  const MapOptions& options() const { return map_->options(); }
  uint32_t value_bytes() const { return map_->options().value_bytes; }
  // The number of this map's cache slot. Constant.
  uint32_t cache_slot() const { return map_->cache_slot(); }
  INLAY_API MemoryUsage memory_usage() const;
  // Always true: the layout shares nothing that could be miscounted.
  INLAY_API bool CheckInvariants(std::string* reason) const;

 private:
  PointerMap(SocketTable& table, std::unique_ptr<LocalStorageMap> map)
      : table_(table), map_(std::move(map)) {}

  SocketTable& table_;
  std::unique_ptr<LocalStorageMap> map_;
};

}  // namespace inlay

#endif  // INLAY_EMULATED_POINTER_MAP_H_
