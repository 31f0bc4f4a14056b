// The operations under their BPF names, with the kernel's flag values and return conventions: null,
// or a negative errno. For BPF programs and scripts; embedders use the maps directly.
//
//   call                       | result, in the order of the checks: the first failure counts
//   ---------------------------+-------------------------------------------------------------------
//   sk_storage_get             | null: `sk` is null, a request or a time-wait socket; flags are not
//                              | 0 or F_CREATE; absent without F_CREATE; the socket is dying; no
//                              | room. Otherwise the value
//   sk_storage_modify          | -EINVAL: as in delete; -ENOENT: the socket is dying, or absent; 0
//   sk_storage_delete          | -EINVAL: `sk` is null, a request or a time-wait socket; -ENOENT:
//                              | the socket is dying, or absent; 0
//   map_create                 | -EINVAL: value_bytes is 0 or too small for the lock; -E2BIG: above
//                              | kMaxValueBytes; -ENOMEM; 0
//   map_lookup_elem            | -EINVAL: flags, or F_LOCK and the map has no lock; -EBADF,
//                              | -ENOTSOCK: the key; -ENOENT: absent; 0
//   map_update_elem            | -EPERM: frozen; -EINVAL: F_LOCK and the map has no lock; -EBADF,
//                              | -ENOTSOCK: the key; -EINVAL: other flags; -ENOMEM, -EEXIST,
//                              | -ENOENT; 0
//   map_delete_elem            | -EPERM: frozen; -EBADF, -ENOTSOCK: the key; -ENOENT: absent; 0
//   map_lookup_and_delete_elem | -EINVAL: flags; -EPERM: frozen; -EINVAL: F_LOCK and the map has no
//                              | lock; -ENOTSUPP for every key
//   map_get_next_key           | -ENOTSUPP for every key
//   map_freeze                 | -ENOTSUPP: the map has a lock; -EPERM: frozen already; 0. As on
//                              | 6.1, if that is emulated: -EBUSY: frozen already; 0
//
// The key of a map is a descriptor of the socket table, as it is a file descriptor in the kernel.
// Freezing restricts the map_* calls, not the sk_storage_* helpers.
//
// Differences: the kernel's get returns a pointer that programs store through. Values may be shared
// here, so the pointer is const, and sk_storage_modify() replaces such a store. Like the store it
// needs no room under optmem_max, unless a shared value becomes private because the table is full.
// The kernel writes an update with F_LOCK in place. Here it replaces the value without a charge,
// and no reader sees a mixture, with or without F_LOCK.
//
// Source: include/uapi/linux/bpf.h, kernel/bpf/syscall.c and net/core/bpf_sk_storage.c of Linux
// 6.18; results and order of checks observed on a live kernel.
//
// Thread-safety: that of the map.
// Reader section: required for sk_storage_get, whose pointer is valid until its end; REQUIRES none
// for map_create (may wait for a grace period); not needed for the others.

#ifndef INLAY_EMULATED_BPF_H_
#define INLAY_EMULATED_BPF_H_

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "inlay/emulated/socket.h"
#include "inlay/emulated/value_map.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay::bpf {

// NOLINTBEGIN(readability-identifier-naming): the names and numbers of include/uapi/linux/bpf.h.
inline constexpr uint64_t BPF_ANY = 0;
inline constexpr uint64_t BPF_NOEXIST = 1;
inline constexpr uint64_t BPF_EXIST = 2;
inline constexpr uint64_t BPF_F_LOCK = 4;
inline constexpr uint64_t BPF_SK_STORAGE_GET_F_CREATE = 1;

// The kernel's internal errno for an operation that the map type lacks. User space gets it
// unchanged.
inline constexpr int ENOTSUPP = 524;

// A BPF_MAP_TYPE_SK_STORAGE map in one of the layouts.
template <ValueMap Layout>
class SkStorage {
 public:
  explicit SkStorage(std::unique_ptr<Layout> map, KernelVersion kernel = KernelVersion::kLinux618)
      : map_(std::move(map)), kernel_(kernel) {}

  Layout& map() { return *map_; }
  const Layout& map() const { return *map_; }
  uint32_t value_bytes() const { return map_->value_bytes(); }
  bool has_lock() const { return map_->options().spin_lock; }
  KernelVersion kernel() const { return kernel_; }
  bool frozen() const { return frozen_.load(std::memory_order_acquire); }
  // False if it is frozen already.
  bool Freeze() { return !frozen_.exchange(true, std::memory_order_acq_rel); }

 private:
  const std::unique_ptr<Layout> map_;
  const KernelVersion kernel_;
  std::atomic<bool> frozen_{false};
};

// --- helpers, as programs call them

// `value`: null, or the value_bytes() bytes of a new value.
template <ValueMap Layout>
const void* sk_storage_get(SkStorage<Layout>& storage, SocketCommon* sk, const void* value,
                           uint64_t flags) noexcept {
  Socket* const socket = FullSocket(sk);
  if (socket == nullptr || flags > BPF_SK_STORAGE_GET_F_CREATE) return nullptr;
  if (const std::byte* const found = storage.map().Get(*socket)) return found;
  if (flags != BPF_SK_STORAGE_GET_F_CREATE || !SocketTable::TryHold(*sk)) return nullptr;
  const std::span<const std::byte> init(static_cast<const std::byte*>(value),
                                        value != nullptr ? storage.value_bytes() : 0);
  const std::byte* const made = storage.map().GetOrCreate(*socket, init, nullptr);
  SocketTable::Put(*sk);
  return made;
}

template <ValueMap Layout>
int64_t sk_storage_delete(SkStorage<Layout>& storage, SocketCommon* sk) noexcept {
  Socket* const socket = FullSocket(sk);
  if (socket == nullptr) return -EINVAL;
  if (!SocketTable::TryHold(*sk)) return -ENOENT;
  const Status status = storage.map().Delete(*socket);
  SocketTable::Put(*sk);
  return -ToErrno(status);
}

// Replaces a store through the pointer from sk_storage_get().
template <ValueMap Layout>
int64_t sk_storage_modify(SkStorage<Layout>& storage, SocketCommon* sk, ModifyFn modify) noexcept {
  Socket* const socket = FullSocket(sk);
  if (socket == nullptr) return -EINVAL;
  if (!SocketTable::TryHold(*sk)) return -ENOENT;
  const Status status = storage.map().Modify(*socket, modify);
  SocketTable::Put(*sk);
  return -ToErrno(status);
}

// --- the bpf() system call

// *storage is unchanged on failure.
template <ValueMap Layout>
int map_create(SocketTable& table, const MapOptions& options,
               std::unique_ptr<SkStorage<Layout>>* storage) noexcept {
  std::unique_ptr<Layout> map;
  const Status status = Layout::Create(table, options, &map);
  if (status != Status::kOk) return -ToErrno(status);
  auto* const made = new (std::nothrow) SkStorage<Layout>(std::move(map), table.options().kernel);
  if (made == nullptr) return -ENOMEM;
  storage->reset(made);
  return 0;
}

namespace internal {

// Calls `operate(socket)` on the socket of a descriptor, and holds a reference during the call.
template <typename Operate>
int OnDescriptor(const SocketTable& table, int fd, Operate&& operate) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = table.Find(fd, &socket); status != Status::kOk) {
    return -ToErrno(status);
  }
  if (!SocketTable::TryHold(socket->common)) return -EBADF;  // closed since it was found
  const int result = operate(*socket);
  SocketTable::Put(socket->common);
  return result;
}

// An update with F_LOCK overwrites an existing value without a charge, or creates the value.
template <ValueMap Layout>
Status UpdateLocked(Layout& map, Socket& socket, std::span<const std::byte> value,
                    UpdateFlag flag) noexcept {
  while (flag != UpdateFlag::kNoExist) {
    const Status status = map.Modify(socket, [value](std::span<std::byte> bytes) {
      std::memcpy(bytes.data(), value.data(), value.size());
    });
    if (status != Status::kNotFound || flag == UpdateFlag::kExist) return status;
    const Status made = map.Update(socket, value, UpdateFlag::kNoExist);
    if (made != Status::kExists)
      return made;  // else another thread was first: write over its value
  }
  return map.Update(socket, value, flag);
}

}  // namespace internal

// If it returns 0, copies the value to `value`, which has room for value_bytes().
template <ValueMap Layout>
int map_lookup_elem(const SkStorage<Layout>& storage, const SocketTable& table, int fd, void* value,
                    uint64_t flags = 0) noexcept {
  if ((flags & ~BPF_F_LOCK) != 0) return -EINVAL;
  if ((flags & BPF_F_LOCK) != 0 && !storage.has_lock()) return -EINVAL;
  return internal::OnDescriptor(table, fd, [&](const Socket& socket) {
    const std::byte* const found = storage.map().Get(socket);
    if (found == nullptr) return -ENOENT;
    std::memcpy(value, found, storage.value_bytes());
    return 0;
  });
}

// `value`: value_bytes() bytes.
template <ValueMap Layout>
int map_update_elem(SkStorage<Layout>& storage, const SocketTable& table, int fd, const void* value,
                    uint64_t flags) noexcept {
  if (storage.frozen()) return -EPERM;
  const bool locked = (flags & BPF_F_LOCK) != 0;
  if (locked && !storage.has_lock()) return -EINVAL;  // before the key is looked at
  return internal::OnDescriptor(table, fd, [&](Socket& socket) {
    if ((flags & ~BPF_F_LOCK) > BPF_EXIST) return -EINVAL;
    const auto flag = static_cast<UpdateFlag>(flags & ~BPF_F_LOCK);
    const std::span bytes(static_cast<const std::byte*>(value), storage.value_bytes());
    return -ToErrno(locked ? internal::UpdateLocked(storage.map(), socket, bytes, flag)
                           : storage.map().Update(socket, bytes, flag));
  });
}

template <ValueMap Layout>
int map_delete_elem(SkStorage<Layout>& storage, const SocketTable& table, int fd) noexcept {
  if (storage.frozen()) return -EPERM;
  return internal::OnDescriptor(
      table, fd, [&](Socket& socket) { return -ToErrno(storage.map().Delete(socket)); });
}

template <ValueMap Layout>
int map_lookup_and_delete_elem(const SkStorage<Layout>& storage, uint64_t flags = 0) noexcept {
  if ((flags & ~BPF_F_LOCK) != 0) return -EINVAL;
  if (storage.frozen()) return -EPERM;
  return (flags & BPF_F_LOCK) != 0 && !storage.has_lock() ? -EINVAL : -ENOTSUPP;
}

template <ValueMap Layout>
int map_get_next_key(const SkStorage<Layout>& /*storage*/) noexcept {
  return -ENOTSUPP;
}

template <ValueMap Layout>
int map_freeze(SkStorage<Layout>& storage) noexcept {
  const bool on_6_1 = storage.kernel() == KernelVersion::kLinux61;
  if (storage.has_lock() && !on_6_1) return -ENOTSUPP;
  if (storage.Freeze()) return 0;
  return on_6_1 ? -EBUSY : -EPERM;
}
// NOLINTEND(readability-identifier-naming)

}  // namespace inlay::bpf

#endif  // INLAY_EMULATED_BPF_H_
