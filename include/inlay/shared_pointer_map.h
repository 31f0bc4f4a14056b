// SharedPointerMap: a pointer in the socket, one for each map, to an interned, refcounted value.
// What the operations do in each state is in storage_map.h.
//
//   the socket's tail: 8 bytes for each map        ValueTable: each distinct value once
//   +---------+                                    +-------+-------+-------+---
//   | pointer |----------------------------------->| value | value | value |
//   +---------+                                    +-------+-------+-------+---
//   null = absent; outside of the table = a private value
//
// It is the index layout with the address in the place of the number: 8 bytes where that has 9 to
// 16 bits, in the tail where that has the line of sk_mark, and no arithmetic. Where this layout
// differs from the contract's table:
//   - The bytes are shared: Get() is const, Update() replaces, Modify() copies.
//   - At most 65534 values at a time are shared (ValueTable::kMaxValues). A value that finds no
//     room in the table, after unreferenced ones were reclaimed, is private to its socket.
//   - What is charged: the reserved tail, once, when the socket is made; a private value with its
//     header of 32 bytes, but never both of two for a moment. The table is charged to the account
//     of the store.
//   - A map that finds no room in the tail, and one whose values hold a lock, keeps all its values
//     in the pointer layout instead, and is charged as that is; see is_shared().
//
// W2  Get() is wait-free, takes no lock, makes no store and allocates nothing (unless the map has
//     fallen back: then as in pointer_map.h).
//
// Thread-safety: all functions may run concurrently, except the destructor. Writers of one socket
// are serialised by a lock.

#ifndef INLAY_SHARED_POINTER_MAP_H_
#define INLAY_SHARED_POINTER_MAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/pointer_map.h"
#include "inlay/rcu.h"
#include "inlay/socket.h"
#include "inlay/status.h"
#include "inlay/tail_space.h"
#include "inlay/value_table.h"

namespace inlay {

class OwnerLocks;

class SharedPointerMap final : private TailMap {
 public:
  // As CheckMapOptions(); kNoMemory. *map unchanged on failure.
  // Reader section: REQUIRES none (waits for a grace period if it fails).
  static Status Create(SocketTable& table, const MapOptions& options,
                       std::unique_ptr<SharedPointerMap>* map) noexcept;
  // Frees the map: all sockets read absent from then on, and the place goes back to the tail.
  // REQUIRES: no concurrent use of this map; sockets may be closed meanwhile.
  // Reader section: REQUIRES none (waits for grace periods).
  ~SharedPointerMap();
  SharedPointerMap(const SharedPointerMap&) = delete;
  SharedPointerMap& operator=(const SharedPointerMap&) = delete;

  // The value, or null if absent.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    if (pointer_ != nullptr) [[unlikely]]
      return pointer_->Get(socket);
    return PlaceOf(socket).load(std::memory_order_acquire);
  }

  // The value, which is first made from `init` (or zeroes if empty) if absent. Null if that fails:
  // *status, if given, says why: kNoMemory, kInvalid (wrong size), kNotFound (the socket is dying).
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acq_rel.
  const std::byte* GetOrCreate(Socket& socket, std::span<const std::byte> init,
                               Status* status = nullptr) noexcept;

  // The following need no reader section, and allow one. Ordering: release.
  Status Update(Socket& socket, std::span<const std::byte> value, UpdateFlag flag) noexcept;
  Status Modify(Socket& socket, ModifyFn modify) noexcept;
  Status Delete(Socket& socket) noexcept;
  Status Clone(Socket& parent, Socket& child) noexcept;

  const MapOptions& options() const { return options_; }
  uint32_t value_bytes() const { return options_.value_bytes; }
  // Whether the map has a place in the tail and shares its values. Constant.
  bool is_shared() const { return pointer_ == nullptr; }
  // Where the pointer is, counted from the socket, whatever its family. Constant.
  // REQUIRES: is_shared().
  uint32_t offset_bytes() const { return offset_bytes_; }
  // The interned values, for iteration and inspection.
  // REQUIRES: is_shared().
  const ValueTable& table() const { return *values_; }
  // Sockets that have a private value because the table had no room.
  size_t private_values() const { return private_values_.load(std::memory_order_relaxed); }
  // Unreferenced values give up their room in the table, usable when it returns. Returns how many.
  // Reader section: REQUIRES none (waits for grace periods).
  uint32_t Reclaim() noexcept;
  MemoryUsage memory_usage() const;
  // V1 to V4 as far as this map can see them, and the table's counts against the sockets.
  // REQUIRES: no concurrent writer.
  bool CheckInvariants(std::string* reason) const;

 private:
  using Place = std::atomic<const std::byte*>;
  struct PrivateValue;

  SharedPointerMap(SocketTable& table, const MapOptions& options);
  Status MakeTable() noexcept;

  Place& PlaceOf(const Socket& socket) const noexcept {
    std::byte* const start = reinterpret_cast<std::byte*>(const_cast<Socket*>(&socket));
    return *reinterpret_cast<Place*>(start + offset_bytes_);
  }
  // The index of a value in the table; kNoIndex if it is private.
  ValueIndex IndexOf(const std::byte* value) const noexcept;
  bool IsPrivate(const std::byte* value) const noexcept;
  size_t PrivateBytes() const;

  // These need the lock of the socket's place.
  const std::byte* NewPrivate(Socket& socket, std::span<const std::byte> value,
                              bool charged) noexcept;
  const std::byte* Put(Socket& socket, std::span<const std::byte> value) noexcept;
  void Replace(Socket& socket, const std::byte* after) noexcept;
  static void ReclaimPrivate(RcuHead* head);

  // TailMap
  void ReleaseValue(Socket& socket, bool unread) noexcept override;
  Status CloneValue(Socket& parent, Socket& child) noexcept override;

  // Read by every Get(), constant after Create().
  uint32_t offset_bytes_ = 0;            // of the place, from the start of the socket
  std::unique_ptr<PointerMap> pointer_;  // what the map has fallen back to; null: it has a place

  bool has_place_ = false;
  SocketTable& socket_table_;
  const MapOptions options_;
  std::unique_ptr<OwnerLocks> locks_;  // for all changes of a place
  std::unique_ptr<ValueTable> values_;
  std::atomic<size_t> private_values_{0};
};

}  // namespace inlay

#endif  // INLAY_SHARED_POINTER_MAP_H_
