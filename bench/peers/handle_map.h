// HandleMap: peers that keep a handle in the socket, an object that owns a reference to its value
// and releases it when it is destroyed. The handle has a place in the socket's tail, as our own
// layouts have; closing and cloning a socket destroys and copies it.
//
// Unlike Inlay, it does not give, for any handle:
//   - a read beside a change of the same socket's value: the handle is a plain object, and the old
//     value is gone at once, not after the readers' sections. A user adds a lock, or RCU.
//   - two changes of one socket at once, and closing sockets while the map is destroyed.
//   - a status when there is no memory: it throws std::bad_alloc and changes nothing.
//   - limits: it charges nothing to sockets or accounts.
//   - kNotFound for a socket that is dying: nobody may create a value in one.
// All else is as in inlay/emulated/value_map.h; a clone shares the parent's value, which never
// changes.
//
// Thread-safety: threads may use different sockets at once, if the Keeper's Make() may be called
// so.

#ifndef INLAY_BENCH_PEERS_HANDLE_MAP_H_
#define INLAY_BENCH_PEERS_HANDLE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "bench/peers/value.h"
#include "engine/workload/layouts.h"
#include "engine/workload/line_count.h"
#include "inlay/emulated/socket.h"
#include "inlay/emulated/tail_space.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"

namespace inlay::bench {

// A Keeper makes handles. It has
//   kValueBytes, Handle, kSharesEqualValues;
//   Handle Make(const PeerValue<kValueBytes>& value);
//   static const std::byte* BytesOf(const Handle& handle);
//   MemoryUsage memory_usage(size_t handles) const;   for that many handles
// A handle starts with a pointer, which is not null: zeroes in its place stand for "absent", so a
// place needs nothing but the handle.
template <typename Keeper>
class HandleMap final : private TailMap {
 public:
  using Handle = typename Keeper::Handle;
  using Value = PeerValue<Keeper::kValueBytes>;
  static constexpr uint32_t kPlaceBytes = sizeof(Handle);
  static_assert(kPlaceBytes % TailSpace::kGrainBytes == 0);

  // As CheckPeerOptions(); kNoMemory: no place in the tail. *map unchanged on failure.
  // Reader section: REQUIRES none if it fails.
  static Status Create(SocketTable& table, const MapOptions& options,
                       std::unique_ptr<HandleMap>* map) {
    Status status = CheckPeerOptions<Keeper::kValueBytes>(options);
    if (status != Status::kOk) return status;
    std::unique_ptr<HandleMap> made(new HandleMap(table, options));
    status = table.tail_space().Register(made.get(), kPlaceBytes, &made->offset_bytes_);
    if (status != Status::kOk) return status;
    made->has_place_ = true;
    *map = std::move(made);
    return Status::kOk;
  }
  // Releases the values of all sockets. Reader section: REQUIRES none (waits for grace periods).
  ~HandleMap() {
    if (has_place_) table_.tail_space().Unregister(this);
  }
  HandleMap(const HandleMap&) = delete;
  HandleMap& operator=(const HandleMap&) = delete;

  // Calls use(bytes) with the value's bytes, or null if absent. They are valid during the call.
  template <typename Use>
  uint64_t Read(const Socket& socket, Use&& use) const {
    const Handle* const handle = HandleOf(socket);
    return use(IsAbsent(handle) ? nullptr : Keeper::BytesOf(*handle));
  }

  // The memory that a read of the socket's value loads. REQUIRES: there is a value.
  void Touch(const Socket& socket, workload::LineCount* lines) const {
    const Handle* const handle = HandleOf(socket);
    lines->Own(handle, sizeof(uintptr_t));
    const std::byte* const value = Keeper::BytesOf(*handle);
    if (Keeper::kSharesEqualValues) {
      lines->Shared(value, workload::kFieldBytes);
    } else {
      lines->Own(value, workload::kFieldBytes);
    }
  }

  Status Update(Socket& socket, std::span<const std::byte> value, UpdateFlag flag) {
    if (value.size() != sizeof(Value)) return Status::kInvalid;
    Handle* const handle = HandleOf(socket);
    const bool present = !IsAbsent(handle);
    const Status status = CheckUpdateFlag(flag, present);
    if (status != Status::kOk) return status;
    if (present) {
      Replace(handle, Value::In(value));
    } else {
      new (handle) Handle(keeper_.Make(Value::In(value)));
    }
    return Status::kOk;
  }

  Status Modify(Socket& socket, ModifyFn modify) {
    Handle* const handle = HandleOf(socket);
    if (IsAbsent(handle)) return Status::kNotFound;
    Value copy;
    std::memcpy(copy.bytes, Keeper::BytesOf(*handle), sizeof(Value));
    modify(copy.bytes);
    Replace(handle, copy);
    return Status::kOk;
  }

  Status Delete(Socket& socket) {
    if (IsAbsent(HandleOf(socket))) return Status::kNotFound;
    Destroy(socket);
    return Status::kOk;
  }

  Status Clone(Socket& parent, Socket& child) { return CloneValue(parent, child); }

  const MapOptions& options() const { return options_; }
  const Keeper& keeper() const { return keeper_; }
  MemoryUsage memory_usage() const {
    size_t handles = 0;
    table_.ForEach([&](Socket& socket) { handles += IsAbsent(HandleOf(socket)) ? 0 : 1; });
    MemoryUsage usage = keeper_.memory_usage(handles);
    usage.inline_bytes += table_.tail_space().InlineBytes(kPlaceBytes);
    return usage;
  }

 private:
  HandleMap(SocketTable& table, const MapOptions& options) : table_(table), options_(options) {}

  Handle* HandleOf(const Socket& socket) const {
    void* const place = reinterpret_cast<std::byte*>(const_cast<Socket*>(&socket)) + offset_bytes_;
    return static_cast<Handle*>(place);
  }
  static bool IsAbsent(const Handle* handle) {
    uintptr_t pointer;
    std::memcpy(&pointer, static_cast<const void*>(handle), sizeof(pointer));
    return pointer == 0;
  }
  void Replace(Handle* handle, const Value& value) {
    Handle made = keeper_.Make(value);
    using std::swap;
    swap(*handle, made);
  }
  void Destroy(Socket& socket) noexcept {
    Handle* const handle = HandleOf(socket);
    std::destroy_at(handle);
    std::memset(static_cast<void*>(handle), 0, sizeof(Handle));
  }

  // TailMap
  void ReleaseValue(Socket& socket, bool /*unread*/) noexcept override {
    if (!IsAbsent(HandleOf(socket))) Destroy(socket);
  }
  Status CloneValue(Socket& parent, Socket& child) noexcept override {
    if (!options_.clone || IsAbsent(HandleOf(parent))) return Status::kOk;
    if (!IsAbsent(HandleOf(child))) Destroy(child);
    new (HandleOf(child)) Handle(std::as_const(*HandleOf(parent)));
    return Status::kOk;
  }

  uint32_t offset_bytes_ = 0;  // of the place, from the start of the socket
  bool has_place_ = false;
  SocketTable& table_;
  const MapOptions options_;
  Keeper keeper_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_HANDLE_MAP_H_
