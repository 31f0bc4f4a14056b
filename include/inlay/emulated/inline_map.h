// InlineMap: the value itself is in the socket, in the tail that the SocketTable reserves.
// value_map.h says what each operation does in each state. Each map has one place in the tail:
//
//   sk        sk + 784                                           sk + 784 + tail_bytes
//   |         |                                                  |
//   v         v      8 bytes   value_bytes, rounded up to 8      v
//   +---------+-----+---------+--------------------------+-------+---------------------+
//   | Socket  | ... |  word   |  value                   |  ...  | of the protocol's   |
//   +---------+-----+---------+--------------------------+-------+---------------------+
//                   ^ offset_bytes() from the socket
//
//   word    0              absent; the place is clean
//           1              here: the value is in the place
//           number * 4 + 2 absent; until the grace period of that number is over, readers may
//                          still be in the place
//           address        of a copy elsewhere (aligned, so its two low bits are 0)
//
// This layout differs in these points:
//   - A get is one load from the socket and a comparison. The value lies behind the loaded word: a
//     get follows no pointer.
//   - A writer that replaces or modifies a value writes the new bytes to a copy elsewhere, since
//     readers may be in the place. After a grace period a callback moves the copy into the place;
//     until then a get follows the address. A reader sees the old value or the new one, never a
//     mixture. A value that changes all the time lives in copies, each of which waits for two grace
//     periods.
//   - The reserved tail is charged once, when the SocketTable makes the socket. Copies are not
//     charged, as the kernel does not charge replaced elements that wait for readers. So updates
//     need no room under optmem_max.
//   - A map that finds no room in the tail falls back: all its values are in the pointer layout,
//     and are charged as there. See is_inline().
//
// W2  Get() is wait-free, takes no lock, stores nothing and allocates nothing. (If the map has
//     fallen back, pointer_map.h applies.)
//
// Thread-safety: all functions may run concurrently, except the destructor. A lock serialises the
// writers of one socket.

#ifndef INLAY_EMULATED_INLINE_MAP_H_
#define INLAY_EMULATED_INLINE_MAP_H_

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

namespace inlay {

class InlineMap final : private TailMap {
 public:
  // Makes a map. Fails as CheckMapOptions(), or with kNoMemory; then *map is unchanged.
  // Reader section: not needed.
  INLAY_API static Status Create(SocketTable& table, const MapOptions& options,
                                 std::unique_ptr<InlineMap>* map) noexcept;
  // Frees the map. Its value is absent in all sockets from then on, and the place returns to the
  // tail, zeroed.
  // REQUIRES: no concurrent use of this map. Other threads may close sockets meanwhile.
  // Reader section: REQUIRES none (waits for grace periods).
  INLAY_API ~InlineMap();
  InlineMap(const InlineMap&) = delete;
  InlineMap& operator=(const InlineMap&) = delete;

  // The value, or null if absent.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    if (pointer_ != nullptr) [[unlikely]]
      return pointer_->Get(socket);
    return GetAt(socket, offset_bytes_);
  }

  // As Get(), for callers that know the offset of the place at compile time or from a run-time
  // constant. `offset_bytes` is offset_bytes() of the map.
  // REQUIRES: is_inline().
  static const std::byte* GetAt(const Socket& socket, size_t offset_bytes) noexcept {
    const std::byte* const place = reinterpret_cast<const std::byte*>(&socket) + offset_bytes;
    const uint64_t word =
        reinterpret_cast<const std::atomic<uint64_t>*>(place)->load(std::memory_order_acquire);
    if (word == kHere) [[likely]]
      return place + sizeof(word);
    return GetElsewhere(word);
  }

  // The offset of the place from the socket, the same for all families. Constant.
  // REQUIRES: is_inline().
  uint32_t offset_bytes() const { return offset_bytes_; }
  // Whether the map has a place in the tail. If not, it has fallen back. Constant.
  bool is_inline() const { return pointer_ == nullptr; }

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
  // The number of copies that wait to move into their places, or for their last readers. Callbacks
  // change it at any time.
  INLAY_API size_t copies() const noexcept;
  INLAY_API MemoryUsage memory_usage() const;
  // Always true: the layout shares nothing that could be miscounted.
  INLAY_API bool CheckInvariants(std::string* reason) const;

 private:
  struct State;
  struct Copy;

  static constexpr uint64_t kHere = 1;

  InlineMap(SocketTable& table, const MapOptions& options, std::unique_ptr<State> state);

  INLAY_API static const std::byte* GetElsewhere(uint64_t word) noexcept;
  const std::byte* GetInline(const Socket& socket) const noexcept;
  std::atomic<uint64_t>& WordOf(Socket& socket) const noexcept;
  uint32_t PlaceBytes() const;
  size_t CopyBytes() const;

  // PublishCopy(), Put() and Empty() require the lock of the socket's place.
  Copy* NewCopy() noexcept;
  void FreeCopy(Copy* copy) noexcept;
  void PublishCopy(Socket& socket, Copy* copy) noexcept;
  const std::byte* Put(Socket& socket, std::span<const std::byte> value) noexcept;
  void Empty(Socket& socket, uint64_t word_after) noexcept;
  static void MoveIntoPlace(RcuHead* head);
  static void ReclaimCopy(RcuHead* head);

  // TailMap
  void ReleaseValue(Socket& socket, bool unread) noexcept override;
  Status CloneValue(Socket& parent, Socket& child) noexcept override;

  // Get() reads these. Constant after Create().
  uint32_t offset_bytes_ = 0;            // of the place, from the socket
  std::unique_ptr<PointerMap> pointer_;  // set if the map has fallen back

  SocketTable& table_;
  const MapOptions options_;
  const std::unique_ptr<State> state_;
};

}  // namespace inlay

#endif  // INLAY_EMULATED_INLINE_MAP_H_
