// The peer `side_table`: sockets stay as they are; an absl::flat_hash_map from a socket's address
// to its value, under an absl::Mutex, which readers take too, for as long as they use the value:
// the next insertion moves all values elsewhere.
//
// A closing socket must remove its value from the table before its address is used again. A user
// calls the table wherever the program closes and accepts sockets. Here TailSpace closes and
// accepts sockets, and calls the maps that have a place in the tail. So the table has a place of 8
// bytes there, which it neither reads nor counts as its own.
//
// Unlike Inlay, it does not give:
//   - readers that do not wait for each other and for writers.
//   - a pointer to a value that is valid without the lock.
//   - a status when there is no memory: it throws std::bad_alloc and changes nothing; the exception
//     ends the program if an accepted socket was to inherit a value.
//   - limits: it charges nothing to sockets or accounts.
//   - kNotFound for a socket that is dying: nobody may create a value in one.
// All else is as in inlay/emulated/value_map.h.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_BENCH_PEERS_SIDE_TABLE_H_
#define INLAY_BENCH_PEERS_SIDE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "bench/peers/value.h"
#include "inlay/emulated/socket.h"
#include "inlay/emulated/tail_space.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"

namespace inlay::bench {

template <uint32_t kBytes>
class SideTableMap final : private TailMap {
 public:
  using Value = PeerValue<kBytes>;
  static constexpr uint32_t kPlaceBytes = TailSpace::kGrainBytes;

  // As CheckPeerOptions(); kNoMemory: no place in the tail. *map unchanged on failure.
  static Status Create(SocketTable& table, const MapOptions& options,
                       std::unique_ptr<SideTableMap>* map) {
    Status status = CheckPeerOptions<kBytes>(options);
    if (status != Status::kOk) return status;
    std::unique_ptr<SideTableMap> made(new SideTableMap(table, options));
    uint32_t offset_bytes = 0;
    status = table.tail_space().Register(made.get(), kPlaceBytes, &offset_bytes);
    if (status != Status::kOk) return status;
    made->is_registered_ = true;
    *map = std::move(made);
    return Status::kOk;
  }
  // Reader section: REQUIRES none (waits for grace periods).
  ~SideTableMap() {
    if (is_registered_) table_.tail_space().Unregister(this);
  }
  SideTableMap(const SideTableMap&) = delete;
  SideTableMap& operator=(const SideTableMap&) = delete;

  // Calls use(bytes) under the lock, with the value's bytes, or null if absent.
  template <typename Use>
  uint64_t Read(const Socket& socket, Use&& use) const {
    absl::MutexLock lock(&mutex_);
    const auto found = values_.find(&socket);
    return use(found == values_.end() ? nullptr : found->second.bytes);
  }

  Status Update(Socket& socket, std::span<const std::byte> value, UpdateFlag flag) {
    if (value.size() != sizeof(Value)) return Status::kInvalid;
    absl::MutexLock lock(&mutex_);
    if (flag == UpdateFlag::kExist) {
      const auto found = values_.find(&socket);
      if (found == values_.end()) return Status::kNotFound;
      found->second = Value::In(value);
      return Status::kOk;
    }
    const auto [at, inserted] = values_.try_emplace(&socket, Value::In(value));
    if (inserted) return Status::kOk;
    if (flag == UpdateFlag::kNoExist) return Status::kExists;
    at->second = Value::In(value);
    return Status::kOk;
  }

  // In place, under the lock.
  Status Modify(Socket& socket, ModifyFn modify) {
    absl::MutexLock lock(&mutex_);
    const auto found = values_.find(&socket);
    if (found == values_.end()) return Status::kNotFound;
    modify(found->second.bytes);
    return Status::kOk;
  }

  Status Delete(Socket& socket) {
    absl::MutexLock lock(&mutex_);
    return values_.erase(&socket) == 1 ? Status::kOk : Status::kNotFound;
  }

  Status Clone(Socket& parent, Socket& child) { return CloneValue(parent, child); }

  const MapOptions& options() const { return options_; }
  size_t values() const {
    absl::MutexLock lock(&mutex_);
    return values_.size();
  }
  MemoryUsage memory_usage() const {
    absl::MutexLock lock(&mutex_);
    MemoryUsage usage;
    usage.private_bytes = values_.size() * sizeof(typename decltype(values_)::value_type);
    usage.slack_bytes = FlatHashMapBytes(values_) - usage.private_bytes;
    return usage;
  }

 private:
  SideTableMap(SocketTable& table, const MapOptions& options) : table_(table), options_(options) {}

  // TailMap
  void ReleaseValue(Socket& socket, bool /*unread*/) noexcept override {
    absl::MutexLock lock(&mutex_);
    values_.erase(&socket);
  }
  Status CloneValue(Socket& parent, Socket& child) noexcept override {
    if (!options_.clone) return Status::kOk;
    absl::MutexLock lock(&mutex_);
    const auto found = values_.find(&parent);
    if (found == values_.end()) return Status::kOk;
    const Value copy = found->second;  // the insertion may move the parent's
    values_.insert_or_assign(&child, copy);
    return Status::kOk;
  }

  SocketTable& table_;
  const MapOptions options_;
  bool is_registered_ = false;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<const Socket*, Value> values_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_SIDE_TABLE_H_
