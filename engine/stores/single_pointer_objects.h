// SinglePointerObjects: the objects of the single-pointer layout, and the numbers of the maps in
// them.
// inlay/emulated/single_pointer_map.h has a picture.
//
// Thread-safety: all functions may run concurrently, except the destructor. Functions that change a
// socket's object say whether the caller holds the socket's lock.

#ifndef INLAY_ENGINE_STORES_SINGLE_POINTER_OBJECTS_H_
#define INLAY_ENGINE_STORES_SINGLE_POINTER_OBJECTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/memory/address_range.h"
#include "engine/memory/size_classes.h"
#include "engine/sync/mutex.h"
#include "engine/sync/owner_locks.h"
#include "inlay/emulated/single_pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/function_ref.h"
#include "inlay/memory_usage.h"
#include "inlay/status.h"

namespace inlay {

class SinglePointerObjects {
 public:
  static constexpr uint32_t kMaxMaps = 65536;

  explicit SinglePointerObjects(SocketTable& table) : table_(table) {}
  // REQUIRES: all maps are destroyed and all objects freed. Reader section: REQUIRES none.
  ~SinglePointerObjects();
  SinglePointerObjects(const SinglePointerObjects&) = delete;
  SinglePointerObjects& operator=(const SinglePointerObjects&) = delete;

  // Gives the map the lowest free number. kNoMemory.
  Status Register(SinglePointerMap* map) noexcept;
  // Removes the map's values from all sockets and takes its number back. Reader section: REQUIRES
  // none.
  void Unregister(SinglePointerMap* map) noexcept;

  // Guards all changes of the socket's object.
  Mutex& LockOf(const Socket& socket) noexcept { return locks_.Of(&socket); }

  // Stores `value`, or zeroes if it is empty, as the map's value. kNoMemory: nothing changed.
  // REQUIRES: the caller holds LockOf(socket).
  Status Put(Socket& socket, const SinglePointerMap& map,
             std::span<const std::byte> value) noexcept;
  // Removes the map's value. REQUIRES: the value exists; the caller holds LockOf(socket).
  void Remove(Socket& socket, const SinglePointerMap& map) noexcept;

  // Releases all values of a socket that will be freed.
  void CloseOwner(Socket& socket) noexcept;
  // Gives `child` the values of `parent` in all maps with the clone flag. kNoMemory: the child has
  // no values.
  // REQUIRES: the child is new and no other thread sees it.
  Status CloneOwner(Socket& parent, Socket& child) noexcept;

  MemoryUsage memory_usage() const { return objects_.memory_usage(); }
  size_t registered_maps() const { return registered_maps_.load(std::memory_order_relaxed); }
  // The total length of all values.
  size_t value_bytes() const { return value_bytes_.load(std::memory_order_relaxed); }

 private:
  using MapEntry = std::atomic<SinglePointerMap*>;
  MapEntry& map(uint32_t number) const { return reinterpret_cast<MapEntry*>(maps_.base())[number]; }
  uint32_t LengthOf(uint32_t number) const {
    return map(number).load(std::memory_order_acquire)->value_bytes();
  }

  SingleObject* NewObject(uint32_t maps, size_t object_bytes) noexcept;
  // A copy of the values in `from`, which may be null, of the maps that `keep` selects. Null
  // without memory, or if nothing is left to copy; then sets *empty.
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
  uint32_t numbers_ GUARDED_BY(mutex_) = 0;  // above all numbers ever given out
  std::atomic<size_t> registered_maps_{0};
};

}  // namespace inlay

#endif  // INLAY_ENGINE_STORES_SINGLE_POINTER_OBJECTS_H_
