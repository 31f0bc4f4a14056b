// IndexMapStats: what IndexMap::stats() tells of a map.

#ifndef INLAY_INDEX_MAP_STATS_H_
#define INLAY_INDEX_MAP_STATS_H_

#include <cstdint>

#include "inlay/value_table.h"

namespace inlay {

struct IndexMapStats {
  ValueTableStats table;
  // The rungs of the overflow ladder, since the map was made.
  uint64_t reclaimed = 0;      // values that gave up their index
  uint64_t no_indexes = 0;     // operations whose value got no index: all were in use
  uint64_t account_limit = 0;  // the same, since the account allowed no more memory
  uint64_t spilled = 0;        // updates that made a private value
  uint64_t no_memory = 0;      // operations that failed with IsNoMemory()
  uint64_t spill_limit = 0;    // of these, with kSpillLimit
  uint64_t pending_limit = 0;  // of these, with kPendingLimit
  uint64_t spilled_now = 0;    // owners that have a private value
  uint64_t brought_home = 0;   // owners that came home without a write
};

}  // namespace inlay

#endif  // INLAY_INDEX_MAP_STATS_H_
