// SingleStorage: the objects of the sockets' single pointers, and the numbers of the maps in them.
// What an object looks like is drawn in inlay/single_pointer_map.h.
//
// Thread-safety: all functions may run concurrently, except the destructor. Those that change a
// socket's object say who holds the socket's lock.

#ifndef INLAY_ENGINE_STORES_SINGLE_STORAGE_H_
#define INLAY_ENGINE_STORES_SINGLE_STORAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/memory/address_range.h"
#include "engine/memory/size_classes.h"
#include "engine/sync/mutex.h"
#include "engine/sync/owner_locks.h"
#include "inlay/function_ref.h"
#include "inlay/memory_usage.h"
#include "inlay/single_pointer_map.h"
#include "inlay/socket.h"
#include "inlay/status.h"

namespace inlay {

class SingleStorage {
 public:
  static constexpr uint32_t kMaxMaps = 65536;

  explicit SingleStorage(SocketTable& table) : table_(table) {}
  // REQUIRES: no map and no object is left. Reader section: REQUIRES none.
  ~SingleStorage();
  SingleStorage(const SingleStorage&) = delete;
  SingleStorage& operator=(const SingleStorage&) = delete;

  // Gives the map a number. kNoMemory.
  Status Register(SinglePointerMap* map) noexcept;
  // Takes the map's values out of all sockets, and its number back. Reader section: REQUIRES none.
  void Unregister(SinglePointerMap* map) noexcept;

  // The lock for all changes of the socket's object.
  Mutex& LockOf(const Socket& socket) noexcept { return locks_.Of(&socket); }

  // Makes `value` (zeroes if empty) the map's value. kNoMemory: nothing changed.
  // REQUIRES: LockOf(socket) is held.
  Status Put(Socket& socket, const SinglePointerMap& map,
             std::span<const std::byte> value) noexcept;
  // Takes the map's value away. REQUIRES: it is there; LockOf(socket) is held.
  void Remove(Socket& socket, const SinglePointerMap& map) noexcept;

  // Releases all values of a socket that is going away.
  void CloseOwner(Socket& socket) noexcept;
  // Gives `child` the parent's values in all maps with the clone flag. kNoMemory: it has none.
  // REQUIRES: the child is new, nobody else sees it.
  Status CloneOwner(Socket& parent, Socket& child) noexcept;

  MemoryUsage memory_usage() const { return objects_.memory_usage(); }
  size_t registered_maps() const { return registered_maps_.load(std::memory_order_relaxed); }
  // The sum of the lengths of all values in all objects.
  size_t value_bytes() const { return value_bytes_.load(std::memory_order_relaxed); }

 private:
  using MapEntry = std::atomic<SinglePointerMap*>;
  MapEntry& map(uint32_t number) const { return reinterpret_cast<MapEntry*>(maps_.base())[number]; }
  uint32_t LengthOf(uint32_t number) const {
    return map(number).load(std::memory_order_acquire)->value_bytes();
  }

  SingleObject* NewObject(uint32_t maps, size_t object_bytes) noexcept;
  // A copy of what `from` (or null) has of the maps that `keep` says. Null without memory, or, with
  // *empty set, because nothing is left to hold.
  SingleObject* Copy(const SingleObject* from, FunctionRef<bool(uint32_t number)> keep,
                     const SinglePointerMap* added, std::span<const std::byte> value,
                     bool* empty) noexcept;
  void Publish(Socket& socket, SingleObject* fresh) noexcept;
  void Count(const SingleObject* object, int64_t sign) noexcept;
  static void Reclaim(RcuHead* head);

  SocketTable& table_;
  OwnerLocks locks_;
  SizeClasses objects_;
  std::atomic<size_t> value_bytes_{0};
  Mutex mutex_;
  AddressRange maps_;                        // of MapEntry; grown under the mutex
  uint32_t numbers_ GUARDED_BY(mutex_) = 0;  // all that were ever given are below
  std::atomic<size_t> registered_maps_{0};
};

}  // namespace inlay

#endif  // INLAY_ENGINE_STORES_SINGLE_STORAGE_H_
