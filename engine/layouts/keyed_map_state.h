// KeyedIndexMap::State: the members of a keyed map. Only for the files that implement it.

#ifndef INLAY_ENGINE_LAYOUTS_KEYED_MAP_STATE_H_
#define INLAY_ENGINE_LAYOUTS_KEYED_MAP_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/memory/address_range.h"
#include "engine/sync/mutex.h"
#include "engine/sync/one_writer.h"
#include "engine/table/value_copies.h"
#include "inlay/account.h"
#include "inlay/keyed_map.h"

namespace inlay {

struct KeyedIndexMap::State {
  using Place = std::atomic<const std::byte*>;
  static_assert(sizeof(Place) == sizeof(void*) && Place::is_always_lock_free);

  // The bytes of places up to that of `index`; the place of the code 0 counts as none.
  static size_t PlaceBytes(uint32_t index) { return index * sizeof(Place); }

  ValueCopies copies;            // the values
  Account* account = nullptr;    // pays for keys, places and values
  bool has_one_account = false;  // which pays for what is pending too
  AddressRange places;
  Mutex mutex;
  // Threads change these under the mutex. Any thread may read them.
  OneWriter<uint32_t> values;
  OneWriter<uint32_t> charged_places;  // places up to this index are charged
  OneWriter<uint64_t> replaced;
  OneWriter<uint64_t> erased;
  std::atomic<uint64_t> no_indexes{0};
  std::atomic<uint64_t> account_limit{0};
  std::atomic<uint64_t> pending_limit{0};
  std::atomic<uint64_t> no_memory{0};
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_KEYED_MAP_STATE_H_
