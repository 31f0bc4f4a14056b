// SinglePointerMap: one pointer in the socket, to one object that holds the values of all maps of
// the socket: "how bad is one indirection?". What the operations do in each state is in
// storage_map.h.
//
//   socket                       SingleObject (one allocation)
//   +------------------+         +--------+-----------------------------+-----------------------+
//   | sk_single_object |-------->| header | offset of map 0, 1, 2, ...  | values, each at 8 * n |
//   +------------------+         +--------+-----------------------------+-----------------------+
//                                32 bytes   4 bytes each; 0 = absent
//
// A map has a number, the lowest that is free, which is its place among the offsets. An object ends
// with the highest-numbered map that has a value in it.
//
// Where this layout differs:
//   - Objects do not change under readers. A writer makes a new object with one value more, less or
//     changed, publishes it, and retires the old one (read-copy-update): a write costs as much as
//     all the socket's values are long.
//   - What is charged: the object, header and offsets included, as long as the socket has any
//     value. A new object is charged only for what it is larger than the old one, which waits for
//     its readers uncharged. Flags are looked at before the charge.
//   - A delete never fails. Should there be no memory for a smaller object, the offset is zeroed
//     and the bytes stay until the next write.
//
// W2  Get() is wait-free, takes no lock, makes no store and allocates nothing.
//
// Thread-safety: all functions may run concurrently, except the destructor. Writers of one socket
// are serialised by a lock.

#ifndef INLAY_SINGLE_POINTER_MAP_H_
#define INLAY_SINGLE_POINTER_MAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/socket.h"
#include "inlay/status.h"

namespace inlay {

class Slab;

// The front of a socket's object.
struct SingleObject {
  RcuHead rcu_head;
  Slab* slab;
  uint32_t object_bytes;  // all of it: what is charged
  uint32_t maps;          // offsets that follow

  // Where map number `map` has its value, counted from the object; 0: absent.
  std::atomic<uint32_t>& offset_bytes(uint32_t map) {
    return reinterpret_cast<std::atomic<uint32_t>*>(this + 1)[map];
  }
  const std::atomic<uint32_t>& offset_bytes(uint32_t map) const {
    return const_cast<SingleObject*>(this)->offset_bytes(map);
  }

  // The value of map number `map`, or null.
  const std::byte* Find(uint32_t map) const {
    if (map >= maps) return nullptr;
    const uint32_t offset = offset_bytes(map).load(std::memory_order_acquire);
    return offset != 0 ? reinterpret_cast<const std::byte*>(this) + offset : nullptr;
  }
};
static_assert(sizeof(SingleObject) == 32);

class SinglePointerMap {
 public:
  // As CheckMapOptions(); kNoMemory. *map unchanged on failure.
  // Reader section: not needed.
  static Status Create(SocketTable& table, const MapOptions& options,
                       std::unique_ptr<SinglePointerMap>* map) noexcept;
  // Frees the map's values in all sockets, which read absent from then on.
  // REQUIRES: no concurrent use of this map; sockets may be closed meanwhile.
  // Reader section: REQUIRES none (waits for grace periods).
  ~SinglePointerMap();
  SinglePointerMap(const SinglePointerMap&) = delete;
  SinglePointerMap& operator=(const SinglePointerMap&) = delete;

  // The value, or null if absent.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    const SingleObject* const object = socket.sk_single_object.load(std::memory_order_acquire);
    return object != nullptr ? object->Find(number_) : nullptr;
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
  // Which of the offsets in a SingleObject is this map's. Constant.
  uint32_t number() const { return number_; }
  // The map's share of all sockets' objects, by its part of the values' bytes.
  MemoryUsage memory_usage() const;
  // Nothing is shared, so there is nothing to recount: true.
  bool CheckInvariants(std::string* reason) const;

 private:
  friend class SingleStorage;

  SinglePointerMap(SocketTable& table, const MapOptions& options)
      : table_(table), options_(options) {}

  uint32_t number_ = 0;
  SocketTable& table_;
  const MapOptions options_;
  bool registered_ = false;
  std::atomic<bool> dying_{false};  // being freed: not cloned any more
  std::atomic<size_t> values_{0};   // sockets that have a value of this map
};

}  // namespace inlay

#endif  // INLAY_SINGLE_POINTER_MAP_H_
