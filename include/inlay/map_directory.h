// MapDirectory: the maps of a store that the modules of a program have open, by their names; and
// the handles that keep a map while a module uses it.
//
//   std::unique_ptr<inlay::MapDirectory> directory;        // one for each store
//   inlay::MapDirectory::Create(store, &directory);
//   ...
//   inlay::SharedMapHandle<Policy> policies;               // a module that writes
//   inlay::OpenSharedMap(*directory, {.map = {.name = "policy"}, .schema = 3}, &policies, &error);
//   inlay::SharedMapReader<Policy> reader(policies);       // a module that only reads
//
// A map is the same for whoever opens it with its name, its value size and its schema, the version
// of the value's layout and meaning as the program counts it. Whoever opens it with another size or
// schema is refused, or replaces it:
//
//   - The new map takes the name at once. It has bits of its own beside the old map's, and no
//     values yet.
//   - The values *move* in steps: Sweep() takes so many owners at a time, SweepOwner() one, for
//     instance before its first get. An owner's old value becomes a new one by the function of the
//     module that opened the new map, which runs once for each distinct value. Without such a
//     function old values are dropped. A value that the owner has got in the new map meanwhile
//     stays.
//   - Who still has the old map open goes on with it, and sees its values go. What he writes while
//     an owner is moved may be lost.
//   - At the end of a walk over the owners, the old map is freed if no owner has a value of it and
//     nobody has it open.
//
// When the last handle of a map ends, the map is freed, and its values are absent at once; its bits
// come free as OwnerPopulation says. With OpenOptions::keep it stays, so that a module may be
// reloaded and find its values. Maps that nobody has opened again after a reload of all modules are
// given up by AbandonUnopened(), and then swept in the same steps.
//
// Between processes, inlay/snapshot.h keeps the values.
//
// Thread-safety: all functions may run concurrently, except destructors and assignments of one
// handle. No function throws.

#ifndef INLAY_MAP_DIRECTORY_H_
#define INLAY_MAP_DIRECTORY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "inlay/export.h"
#include "inlay/function_ref.h"
#include "inlay/index_map.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "inlay/snapshot.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay {

class MapDirectory;
struct DirectoryEntry;

struct OpenOptions {
  MapOptions map = {};  // its name is the key; the rest is used if the map is made
  uint64_t schema = 0;
  // If a map of the name has another value size or schema: moves its values to the new map.
  MigrateFn migrate = {};
  // Likewise, without `migrate`: replaces the map, and drops its values.
  bool replace = false;
  // Whether the map stays after its last handle. Who opens it last decides.
  bool keep = false;
};

enum class Opened : uint8_t { kMade, kFound, kReplaced };

// A map that is open, for reading and writing. Copies are handles of their own. No handle may be
// copied or ended inside a reader section, since another thread in Open() may wait for that.
class MapHandle {
 public:
  MapHandle() = default;  // empty
  INLAY_API MapHandle(const MapHandle& other) noexcept;
  MapHandle(MapHandle&& other) noexcept
      : directory_(std::exchange(other.directory_, nullptr)),
        entry_(std::exchange(other.entry_, nullptr)),
        map_(std::exchange(other.map_, nullptr)) {}
  MapHandle& operator=(MapHandle other) noexcept {
    std::swap(directory_, other.directory_);
    std::swap(entry_, other.entry_);
    std::swap(map_, other.map_);
    return *this;
  }
  // The last handle of a map that is not kept frees it, and waits for grace periods.
  ~MapHandle() { Close(); }
  INLAY_API void Close() noexcept;

  explicit operator bool() const { return map_ != nullptr; }
  // REQUIRES: not empty. Valid while the handle is open.
  IndexMap& map() const { return *map_; }

 private:
  friend class MapDirectory;
  MapDirectory* directory_ = nullptr;
  DirectoryEntry* entry_ = nullptr;
  IndexMap* map_ = nullptr;
};

// What a Sweep() did.
struct SweepResult {
  uint64_t owners = 0;      // visited
  uint64_t moved = 0;       // values that are in a new map now
  uint64_t dropped = 0;     // values that are gone, as nobody wanted them or they did not migrate
  uint64_t failed = 0;      // values that stay for now, since there was no memory in the new map
  uint64_t maps_freed = 0;  // old and abandoned maps
  bool walk_ended = false;
};

class MapDirectory {
 public:
  // kNoMemory. The store must outlive the directory.
  INLAY_API static Status Create(Store& store, std::unique_ptr<MapDirectory>* directory) noexcept;
  // Frees the maps that were kept, or that still have values to move.
  // REQUIRES: no handle is open. Reader section: REQUIRES none (may wait for grace periods).
  INLAY_API ~MapDirectory();
  MapDirectory(const MapDirectory&) = delete;
  MapDirectory& operator=(const MapDirectory&) = delete;

  // Opens the map options.map.name: finds it, makes it, or replaces it. *opened, if given, says
  // which.
  // kIncompatible: it has another value size or schema, and options ask for no replacement; or a
  // value cannot be migrated. *error, if given, names the map and says why; nothing changed. Fails
  // as IndexMap::Create(), for instance with kNoBits if the bits of an old map are not free yet.
  // `migrate` is called before Open() returns for each value that owners have an index of, and by
  // SweepOwner() for others; it must not use the directory.
  // Reader section: REQUIRES none (may wait for a grace period).
  INLAY_API Status Open(const OpenOptions& options, MapHandle* handle, std::string* error,
                        Opened* opened = nullptr) noexcept;

  // Gives up the maps that were kept and that nobody has open: nobody finds them any more, and
  // sweeps drop their values. Returns how many.
  INLAY_API size_t AbandonUnopened() noexcept;

  // A step of a walk over the owners: visits up to `most_owners`, which `next()` names one after
  // the other, as a pointer, until it returns null at the end of the walk. Then frees the maps that
  // have nothing left. Steps take turns.
  // REQUIRES: an owner is not closed until the next call of `next`, or the end.
  // Reader section: REQUIRES none (waits for grace periods if it frees a map).
  template <typename Next>
  SweepResult Sweep(Next&& next, size_t most_owners) noexcept {
    SweepResult result;
    while (result.owners < most_owners) {
      auto* const owner = next();
      if (owner == nullptr) {
        result.walk_ended = true;
        result.maps_freed = FreeEmptyMaps();
        break;
      }
      ++result.owners;
      Visit(OwnerRef(*owner), &result);
    }
    return result;
  }
  // The same for one owner. Reader section: REQUIRES none (waits for Open() on other threads).
  template <InlineOwner O>
  SweepResult SweepOwner(O& owner) noexcept {
    SweepResult result{.owners = 1};
    Visit(OwnerRef(owner), &result);
    return result;
  }

  // Maps that Open() finds, and all that exist.
  INLAY_API size_t named_maps() const noexcept;
  INLAY_API size_t maps() const noexcept;

 private:
  friend class MapHandle;
  struct State;
  explicit MapDirectory(std::unique_ptr<State> state);
  void AddHandle(DirectoryEntry* entry) noexcept;
  void EndHandle(DirectoryEntry* entry) noexcept;
  INLAY_API void Visit(const OwnerRef& owner, SweepResult* result) noexcept;
  INLAY_API size_t FreeEmptyMaps() noexcept;

  std::unique_ptr<State> state_;
};

// --- handles of typed maps

template <typename T>
class SharedMapReader;

// A handle of a map of T, for reading and writing. IndexMap documents the functions.
template <typename T>
class SharedMapHandle {
 public:
  SharedMapHandle() = default;

  explicit operator bool() const { return static_cast<bool>(handle_); }
  template <InlineOwner O>
  const T* Get(const O& owner) const noexcept {
    return reinterpret_cast<const T*>(handle_.map().Get(owner));
  }
  template <InlineOwner O>
  Status Update(O& owner, const T& value, UpdateFlag flag = UpdateFlag::kAny) const noexcept {
    return handle_.map().Update(owner, std::as_bytes(std::span<const T, 1>(&value, 1)), flag);
  }
  template <InlineOwner O, std::invocable<T&> F>
  requires(!std::invocable<F, T>) Status Modify(O& owner, F&& modify)
  const noexcept {
    return handle_.map().Modify(
        owner, [&](std::span<std::byte> bytes) { modify(*reinterpret_cast<T*>(bytes.data())); });
  }
  template <InlineOwner O>
  Status Delete(O& owner) const noexcept {
    return handle_.map().Delete(owner);
  }
  void Close() noexcept { handle_.Close(); }
  IndexMap& bytes() const { return handle_.map(); }

 private:
  friend class SharedMapReader<T>;
  template <typename U>
  friend Status OpenSharedMap(MapDirectory& directory, OpenOptions options,
                              SharedMapHandle<U>* handle, std::string* error,
                              Opened* opened) noexcept;
  MapHandle handle_;
};

// A handle of the same map that can only read.
template <typename T>
class SharedMapReader {
 public:
  SharedMapReader() = default;
  explicit SharedMapReader(const SharedMapHandle<T>& of) noexcept : handle_(of.handle_) {}

  explicit operator bool() const { return static_cast<bool>(handle_); }
  template <InlineOwner O>
  const T* Get(const O& owner) const noexcept {
    return reinterpret_cast<const T*>(handle_.map().Get(owner));
  }
  // A copy of the value; nothing if it is absent. Reader section: not needed, allowed.
  template <InlineOwner O>
  std::optional<T> Load(const O& owner) const noexcept {
    const ReadSection section;
    const T* const value = Get(owner);
    return value != nullptr ? std::optional<T>(*value) : std::nullopt;
  }
  IndexMapStats stats() const { return handle_.map().stats(); }
  MemoryUsage memory_usage() const { return handle_.map().memory_usage(); }
  void Close() noexcept { handle_.Close(); }

 private:
  MapHandle handle_;
};

// As MapDirectory::Open(), with the value size and alignment of T, which must be one for SharedMap.
template <typename T>
Status OpenSharedMap(MapDirectory& directory, OpenOptions options, SharedMapHandle<T>* handle,
                     std::string* error, Opened* opened = nullptr) noexcept {
  static_assert(std::is_destructible_v<SharedMap<T>>);  // compiles its checks of T
  options.map.value_bytes = sizeof(T);
  options.map.alignment = std::max<uint32_t>(alignof(T), 8);
  return directory.Open(options, &handle->handle_, error, opened);
}

}  // namespace inlay

#endif  // INLAY_MAP_DIRECTORY_H_
