// MapRegistry: the maps that have a place in every owner, for functions that close and clone
// owners.
//
// Those functions walk the registry in a reader section, without a lock. Maps come and go under the
// lock of the store that owns the registry.
//
// The life of an entry:
//
//   free ------> live ------> dead ------> emptied ------> free
//       GoLive        the map       no owner      no walk can still
//                     is freed      has a value   be in the entry
//
// A clone skips a dead entry; a close still empties it.

#ifndef INLAY_ENGINE_STORES_MAP_REGISTRY_H_
#define INLAY_ENGINE_STORES_MAP_REGISTRY_H_

#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace inlay {

// The part that all entries have. The map, and the place that a derived class adds, change only
// while the entry is free.
template <typename Map>
struct MapEntry {
  enum class Phase : uint8_t { kFree, kLive, kDead, kEmptied };

  std::atomic<Phase> phase{Phase::kFree};
  Map* map = nullptr;
};

// `Entry` derives from MapEntry<Map>.
template <typename Map, typename Entry>
class MapRegistry {
 public:
  using Phase = typename MapEntry<Map>::Phase;

  MapRegistry(std::unique_ptr<Entry[]> entries, uint32_t capacity)
      : entries_(std::move(entries)), capacity_(capacity) {}

  // All entries that were ever live. Needs no lock.
  std::span<Entry> InUse() const { return {entries_.get(), used_.load(std::memory_order_acquire)}; }

  // A free entry, for the caller to fill. REQUIRES: the store's lock, and fewer live, dead and
  // emptied entries than `capacity`.
  Entry* FindFree() const {
    const uint32_t used = used_.load(std::memory_order_relaxed);
    uint32_t at = 0;
    while (at < used && entries_[at].phase.load(std::memory_order_relaxed) != Phase::kFree) ++at;
    assert(at < capacity_);
    return entries_.get() + at;
  }

  // Shows a filled entry to owners that are closed or cloned from now on. REQUIRES: the store's
  // lock; `entry` is from FindFree() under the same lock.
  void GoLive(Entry* entry, Map* map) {
    entry->map = map;
    entry->phase.store(Phase::kLive, std::memory_order_release);
    const uint32_t used = used_.load(std::memory_order_relaxed);
    if (entry == entries_.get() + used) used_.store(used + 1, std::memory_order_release);
  }

  // The live entry of a map. REQUIRES: the store's lock, and that there is one.
  Entry* FindLive(const Map* map) const {
    for (Entry& entry : InUse()) {
      if (entry.phase.load(std::memory_order_acquire) == Phase::kLive && entry.map == map) {
        return &entry;
      }
    }
    assert(false && "the map is not registered");
    return nullptr;
  }

 private:
  const std::unique_ptr<Entry[]> entries_;
  const uint32_t capacity_;
  std::atomic<uint32_t> used_{0};
};

}  // namespace inlay

#endif  // INLAY_ENGINE_STORES_MAP_REGISTRY_H_
