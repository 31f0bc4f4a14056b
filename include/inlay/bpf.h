// The operations under their BPF names, with the kernel's flag values and return conventions: null,
// or a negative errno. For programs and scripts that speak BPF; an embedder uses the maps
// themselves.
//
//   call               | answers, in the order of the checks: the first that fails counts
//   -------------------+-----------------------------------------------------------------------
//   sk_storage_get     | null: `sk` is null, a request or a time-wait socket; flags not 0 or
//                      | F_CREATE; absent without F_CREATE; no reference is left; no room.
//                      | Otherwise the value
//   sk_storage_delete  | -EINVAL: `sk` is null, a request or a time-wait socket; -ENOENT: no
//                      | reference is left, or absent; 0
//   map_lookup_elem    | -EINVAL: flags; -EBADF, -ENOTSOCK: the key; -ENOENT: absent; 0
//   map_update_elem    | -EINVAL: F_LOCK; -EBADF, -ENOTSOCK: the key; -EINVAL: other flags;
//                      | -ENOMEM, -EEXIST, -ENOENT; 0
//   map_delete_elem    | -EBADF, -ENOTSOCK: the key; -ENOENT: absent; 0
//
// The key of a map is a descriptor of the socket table, as it is a file descriptor for the kernel.
// Difference: the kernel's get returns a pointer that programs store through. A value may be shared
// here, so the pointer is const; such a store is Modify().
//
// Source: include/uapi/linux/bpf.h and net/core/bpf_sk_storage.c of Linux 6.18; answers and order
// of checks observed on a live kernel.
//
// Thread-safety: that of the map. Reader section: required for sk_storage_get, whose pointer is
// valid until its end; not needed for the others.

#ifndef INLAY_BPF_H_
#define INLAY_BPF_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "inlay/rcu.h"
#include "inlay/socket.h"
#include "inlay/status.h"
#include "inlay/storage_map.h"

namespace inlay::bpf {

// NOLINTBEGIN(readability-identifier-naming): the names and numbers of include/uapi/linux/bpf.h.
inline constexpr uint64_t BPF_ANY = 0;
inline constexpr uint64_t BPF_NOEXIST = 1;
inline constexpr uint64_t BPF_EXIST = 2;
inline constexpr uint64_t BPF_F_LOCK = 4;
inline constexpr uint64_t BPF_SK_STORAGE_GET_F_CREATE = 1;

// `value`: null, or value_bytes() bytes that a new value starts with.
template <StorageMap Map>
const void* sk_storage_get(Map& map, SocketCommon* sk, const void* value, uint64_t flags) noexcept {
  Socket* const socket = FullSocket(sk);
  if (socket == nullptr || flags > BPF_SK_STORAGE_GET_F_CREATE) return nullptr;
  if (const std::byte* const found = map.Get(*socket)) return found;
  if (flags != BPF_SK_STORAGE_GET_F_CREATE || !SocketTable::TryHold(*sk)) return nullptr;
  const std::span<const std::byte> init(static_cast<const std::byte*>(value),
                                        value != nullptr ? map.value_bytes() : 0);
  const std::byte* const made = map.GetOrCreate(*socket, init, nullptr);
  SocketTable::Put(*sk);
  return made;
}

template <StorageMap Map>
int64_t sk_storage_delete(Map& map, SocketCommon* sk) noexcept {
  Socket* const socket = FullSocket(sk);
  if (socket == nullptr) return -EINVAL;
  if (!SocketTable::TryHold(*sk)) return -ENOENT;
  const Status status = map.Delete(*socket);
  SocketTable::Put(*sk);
  return -ToErrno(status);
}

// Copies the value to `value`, which has room for value_bytes(), if the answer is 0.
template <StorageMap Map>
int map_lookup_elem(const Map& map, const SocketTable& table, int fd, void* value,
                    uint64_t flags = 0) noexcept {
  if (flags != 0) return -EINVAL;  // F_LOCK too: no map here has a lock in its values
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = table.Find(fd, &socket); status != Status::kOk) {
    return -ToErrno(status);
  }
  const std::byte* const found = map.Get(*socket);
  if (found == nullptr) return -ENOENT;
  std::memcpy(value, found, map.value_bytes());
  return 0;
}

template <StorageMap Map>
int map_update_elem(Map& map, const SocketTable& table, int fd, const void* value,
                    uint64_t flags) noexcept {
  if ((flags & BPF_F_LOCK) != 0) return -EINVAL;  // before the key is looked at
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = table.Find(fd, &socket); status != Status::kOk) {
    return -ToErrno(status);
  }
  if (flags > BPF_EXIST) return -EINVAL;
  if (!SocketTable::TryHold(socket->common)) return -EBADF;  // closed since it was found
  const Status status =
      map.Update(*socket, {static_cast<const std::byte*>(value), map.value_bytes()},
                 static_cast<UpdateFlag>(flags));
  SocketTable::Put(socket->common);
  return -ToErrno(status);
}

template <StorageMap Map>
int map_delete_elem(Map& map, const SocketTable& table, int fd) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = table.Find(fd, &socket); status != Status::kOk) {
    return -ToErrno(status);
  }
  if (!SocketTable::TryHold(socket->common)) return -EBADF;
  const Status status = map.Delete(*socket);
  SocketTable::Put(socket->common);
  return -ToErrno(status);
}
// NOLINTEND(readability-identifier-naming)

}  // namespace inlay::bpf

#endif  // INLAY_BPF_H_
