// InlineMap: the value itself inside the socket, in the tail that its SocketTable reserves. What
// the operations do in each state is in storage_map.h. Each map has one place in the tail:
//
//   sk        sk + 784                                           sk + 784 + tail_bytes
//   |         |                                                  |
//   v         v      8 bytes   value_bytes, rounded up to 8      v
//   +---------+-----+---------+--------------------------+-------+---------------------+
//   | Socket  | ... |  word   |  value                   |  ...  | of the protocol's   |
//   +---------+-----+---------+--------------------------+-------+---------------------+
//                   ^ offset_bytes() from the socket
//
//   word    0              absent, and the place is clean
//           1              here: the value is in the place
//           number * 4 + 2 absent, and readers may still see an old value in the place until the grace
//                          period of that number is over
//           address        a copy elsewhere (aligned, so its two low bits are 0)
//
// Where this layout differs:
//   - A get is one load from the socket and a comparison, and the value lies behind what it has
//     loaded. There is no pointer to follow.
//   - Readers may be in the place when a value is replaced or modified, so the new bytes go to a
//     copy elsewhere. After a grace period the copy moves into the place on its own; until then a
//     get follows the pointer to it. A reader sees the old value or the new one, never half of
//     either. A value that is replaced all the time lives in copies, which wait for two grace
//     periods each.
//   - What is charged: the reserved tail, once, when the socket is made. Updates need no room under
//     optmem_max: copies wait for readers as replaced elements do in the kernel, uncharged.
//   - A map that finds no room in the tail keeps all its values in the pointer layout instead, and
//     is charged as that is; see is_inline(). With no tail reserved that is every map.
//
// W2  Get() is wait-free, takes no lock, makes no store and allocates nothing (unless the map has
//     fallen back: then as in pointer_map.h).
//
// Thread-safety: all functions may run concurrently, except the destructor. Writers of one socket
// are serialised by a lock.

#ifndef INLAY_INLINE_MAP_H_
#define INLAY_INLINE_MAP_H_

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

namespace inlay {

class InlineMap final : private TailMap {
 public:
  // As CheckMapOptions(); kNoMemory. *map unchanged on failure.
  // Reader section: not needed.
  static Status Create(SocketTable& table, const MapOptions& options,
                       std::unique_ptr<InlineMap>* map) noexcept;
  // Frees the map: all sockets read absent from then on, and the bytes of the place go back to the
  // tail, zeroed.
  // REQUIRES: no concurrent use of this map; sockets may be closed meanwhile.
  // Reader section: REQUIRES none (waits for grace periods).
  ~InlineMap();
  InlineMap(const InlineMap&) = delete;
  InlineMap& operator=(const InlineMap&) = delete;

  // The value, or null if absent.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  const std::byte* Get(const Socket& socket) const noexcept {
    if (pointer_ != nullptr) [[unlikely]]
      return pointer_->Get(socket);
    return GetAt(socket, offset_bytes_);
  }

  // As Get() for those who know where the place is in the sockets they have: at compile time, or
  // from a run-time constant. `offset_bytes` is what offset_bytes() says.
  // REQUIRES: is_inline().
  static const std::byte* GetAt(const Socket& socket, size_t offset_bytes) noexcept {
    const std::byte* const place = reinterpret_cast<const std::byte*>(&socket) + offset_bytes;
    const uint64_t word =
        reinterpret_cast<const std::atomic<uint64_t>*>(place)->load(std::memory_order_acquire);
    if (word == kHere) [[likely]]
      return place + sizeof(word);
    return GetElsewhere(word);
  }

  // Where the place is, counted from the socket, whatever its family. Constant.
  // REQUIRES: is_inline().
  uint32_t offset_bytes() const { return offset_bytes_; }
  // Whether the map has a place in the tail. Constant.
  bool is_inline() const { return pointer_ == nullptr; }

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
  // Copies that wait: to move into their places, or for their last readers. Changes by itself.
  size_t copies() const noexcept;
  MemoryUsage memory_usage() const;
  // Nothing is shared, so there is nothing to recount: true.
  bool CheckInvariants(std::string* reason) const;

 private:
  struct State;
  struct Copy;

  static constexpr uint64_t kHere = 1;

  InlineMap(SocketTable& table, const MapOptions& options, std::unique_ptr<State> state);

  static const std::byte* GetElsewhere(uint64_t word) noexcept;
  const std::byte* GetInline(const Socket& socket) const noexcept;
  std::atomic<uint64_t>& WordOf(Socket& socket) const noexcept;
  uint32_t PlaceBytes() const;
  size_t CopyBytes() const;

  // PublishCopy(), Put() and Empty() need the lock of the socket's place.
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

  // Read by every Get(), constant after Create().
  uint32_t offset_bytes_ = 0;            // of the place, from the start of the socket
  std::unique_ptr<PointerMap> pointer_;  // what the map has fallen back to; null: it has a place

  SocketTable& table_;
  const MapOptions options_;
  const std::unique_ptr<State> state_;
};

}  // namespace inlay

#endif  // INLAY_INLINE_MAP_H_
