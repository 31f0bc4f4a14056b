// SharedPointerMap: a pointer in the socket for each map, to an interned, refcounted value.
// value_map.h says what each operation does in each state.
//
//   the socket's tail: 8 bytes for each map        ValueTable: each distinct value once
//   +---------+                                    +-------+-------+-------+---
//   | pointer |----------------------------------->| value | value | value |
//   +---------+                                    +-------+-------+-------+---
//   null = absent; outside of the table = a private value
//
// This is the index layout with addresses instead of numbers: 8 bytes per map instead of 2 to 16
// bits, in the tail instead of the cache line of sk_mark, and no arithmetic in a get. This layout
// differs in these points:
//   - The bytes are shared: Get() is const, Update() replaces, Modify() copies.
//   - At most 65534 values are shared at a time (ValueTable::kMaxValues). A value that finds no
//     room in the table, even after reclamation, is private to its socket.
//   - The reserved tail is charged once, when the SocketTable makes the socket. A private value is
//     charged with its header of 32 bytes; replacing one needs no second charge. The table is
//     charged to the store's account.
//   - A map that finds no room in the tail, or whose values hold a lock, falls back: all its values
//     are in the pointer layout, and are charged as there. See is_shared().
//
// W2  Get() is wait-free, takes no lock, stores nothing and allocates nothing. (If the map has
//     fallen back, pointer_map.h applies.)
//
// Thread-safety: all functions may run concurrently, except the destructor. A lock serialises the
// writers of one socket.

#ifndef INLAY_EMULATED_SHARED_POINTER_MAP_H_
#define INLAY_EMULATED_SHARED_POINTER_MAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/emulated/pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/emulated/tail_space.h"
#include "inlay/export.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"
#include "inlay/value_table.h"

namespace inlay {

class OwnerLocks;

class SharedPointerMap final : private TailMap {
 public:
  // Makes a map. Fails as CheckMapOptions(), or with kNoMemory; then *map is unchanged.
  // Reader section: REQUIRES none (waits for a grace period if it fails).
  INLAY_API static Status Create(SocketTable& table, const MapOptions& options,
                                 std::unique_ptr<SharedPointerMap>* map) noexcept;
  // Frees the map. Its value is absent in all sockets from then on, and the place returns to the
  // tail.
  // REQUIRES: no concurrent use of this map. Other threads may close sockets meanwhile.
  // Reader section: REQUIRES none (waits for grace periods).
  INLAY_API ~SharedPointerMap();
  SharedPointerMap(const SharedPointerMap&) = delete;
  SharedPointerMap& operator=(const SharedPointerMap&) = delete;

  // The value, or null if absent.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    if (pointer_ != nullptr) [[unlikely]]
      return pointer_->Get(socket);
    return PlaceOf(socket).load(std::memory_order_acquire);
  }

  // The value. If absent, first creates it from `init`, or from zeroes if `init` is empty. Null on
  // failure; *status, if given, then says why. kNoMemory. kInvalid: wrong size. kNotFound: the
  // socket is dying.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acq_rel.
  INLAY_API const std::byte* GetOrCreate(Socket& socket, std::span<const std::byte> init,
                                         Status* status = nullptr) noexcept;

  // The following functions work inside and outside of a reader section. Ordering: release.
  INLAY_API Status Update(Socket& socket, std::span<const std::byte> value,
                          UpdateFlag flag) noexcept;
  INLAY_API Status Modify(Socket& socket, ModifyFn modify) noexcept;
  INLAY_API Status Delete(Socket& socket) noexcept;
  INLAY_API Status Clone(Socket& parent, Socket& child) noexcept;

  const MapOptions& options() const { return options_; }
  uint32_t value_bytes() const { return options_.value_bytes; }
  // Whether the map shares its values. If not, it has fallen back. Constant.
  bool is_shared() const { return pointer_ == nullptr; }
  // The offset of the pointer from the socket, the same for all families. Constant.
  // REQUIRES: is_shared().
  uint32_t offset_bytes() const { return offset_bytes_; }
  // The interned values, to iterate over and to inspect.
  // REQUIRES: is_shared().
  const ValueTable& table() const { return *values_; }
  // The number of sockets whose value is private because the table had no room.
  size_t private_values() const { return private_values_.load(std::memory_order_relaxed); }
  // Retires the unreferenced values and waits until their room is reusable. Returns how many.
  // Reader section: REQUIRES none (waits for grace periods).
  INLAY_API uint32_t Reclaim() noexcept;
  // ValueTable::Trim() of the interned values.
  // Reader section: REQUIRES none (waits for grace periods).
  INLAY_API size_t Trim() noexcept;
  INLAY_API MemoryUsage memory_usage() const;
  // Checks V1 to V4 as far as the map can see them, and the table's counts against the sockets.
  // REQUIRES: no concurrent writer.
  INLAY_API bool CheckInvariants(std::string* reason) const;

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

  // NewPrivate(), Put() and Replace() require the lock of the socket's place.
  Status NewPrivate(Socket& socket, std::span<const std::byte> value, bool charged,
                    const std::byte** made_bytes) noexcept;
  Status Put(Socket& socket, std::span<const std::byte> value) noexcept;
  void Replace(Socket& socket, const std::byte* after) noexcept;
  static void ReclaimPrivate(RcuHead* head);

  // TailMap
  void ReleaseValue(Socket& socket, bool unread) noexcept override;
  Status CloneValue(Socket& parent, Socket& child) noexcept override;

  // Get() reads these. Constant after Create().
  uint32_t offset_bytes_ = 0;            // of the place, from the socket
  std::unique_ptr<PointerMap> pointer_;  // set if the map has fallen back

  bool has_place_ = false;
  SocketTable& socket_table_;
  const MapOptions options_;
  std::unique_ptr<OwnerLocks> locks_;  // for all changes of a place
  std::unique_ptr<ValueTable> values_;
  std::atomic<size_t> private_values_{0};
};

}  // namespace inlay

#endif  // INLAY_EMULATED_SHARED_POINTER_MAP_H_
