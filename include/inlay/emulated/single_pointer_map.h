// SinglePointerMap: one pointer in the socket, to one object with the values of all maps of that
// socket. It measures what one indirection costs. value_map.h says what each operation does in
// each state.
//
//   socket                       SingleObject (one allocation)
//   +------------------+         +--------+-----------------------------+-----------------------+
//   | sk_single_object |-------->| header | offset of map 0, 1, 2, ...  | values, each at 8 * n |
//   +------------------+         +--------+-----------------------------+-----------------------+
//                                32 bytes   4 bytes each; 0 = absent
//
// A map's number, the lowest free one when the map is made, is the position of its offset. An
// object has offsets up to the highest number that has a value in it.
//
// This layout differs in these points:
//   - Objects do not change under readers. A writer makes a new object with one value added,
//     removed or changed, publishes it, and retires the old one (read-copy-update). So the cost of
//     a write grows with the size of all the socket's values.
//   - The whole object is charged while the socket has a value. A new object is charged only for
//     the bytes by which it is larger than the old one, which waits for its readers uncharged.
//     Flags are checked before the charge.
//   - A delete never fails for lack of memory. Without memory for a smaller object it zeroes the
//     offset, and the bytes stay until the next write.
//
// W2  Get() is wait-free, takes no lock, stores nothing and allocates nothing.
//
// Thread-safety: all functions may run concurrently, except the destructor. A lock serialises the
// writers of one socket.

#ifndef INLAY_EMULATED_SINGLE_POINTER_MAP_H_
#define INLAY_EMULATED_SINGLE_POINTER_MAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/emulated/socket.h"
#include "inlay/export.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay {

class Slab;

// The front of a socket's object.
struct SingleObject {
  RcuHead rcu_head;
  Slab* slab;
  uint32_t object_bytes;  // of the whole object; what is charged
  uint32_t maps;          // number of offsets that follow

  // The offset of the value of map number `map` from the object; 0: absent.
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
  // Makes a map. Fails as CheckMapOptions(), or with kNoMemory; then *map is unchanged.
  // Reader section: not needed.
  INLAY_API static Status Create(SocketTable& table, const MapOptions& options,
                                 std::unique_ptr<SinglePointerMap>* map) noexcept;
  // Frees the map and its values. They are absent in all sockets from then on.
  // REQUIRES: no concurrent use of this map. Other threads may close sockets meanwhile.
  // Reader section: REQUIRES none (waits for grace periods).
  INLAY_API ~SinglePointerMap();
  SinglePointerMap(const SinglePointerMap&) = delete;
  SinglePointerMap& operator=(const SinglePointerMap&) = delete;

  // The value, or null if absent.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    const SingleObject* const object = socket.sk_single_object.load(std::memory_order_acquire);
    return object != nullptr ? object->Find(number_) : nullptr;
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
  // The position of this map's offset in a SingleObject. Constant.
  uint32_t number() const { return number_; }
  // The map's share of all objects, in proportion to the bytes of its values.
  INLAY_API MemoryUsage memory_usage() const;
  // Always true: the layout shares nothing that could be miscounted.
  INLAY_API bool CheckInvariants(std::string* reason) const;

 private:
  friend class SinglePointerObjects;

  SinglePointerMap(SocketTable& table, const MapOptions& options)
      : table_(table), options_(options) {}

  uint32_t number_ = 0;
  SocketTable& table_;
  const MapOptions options_;
  bool registered_ = false;
  std::atomic<bool> dying_{false};  // being freed: clones skip the map
  std::atomic<size_t> values_{0};   // sockets that have a value of this map
};

}  // namespace inlay

#endif  // INLAY_EMULATED_SINGLE_POINTER_MAP_H_
