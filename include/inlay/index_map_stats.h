// IndexMapStats: what IndexMap::stats() tells of a map.

#ifndef INLAY_INDEX_MAP_STATS_H_
#define INLAY_INDEX_MAP_STATS_H_

#include <cstdint>

#include "inlay/store_report.h"
#include "inlay/value_table.h"

namespace inlay {

struct IndexMapStats : OverflowCounters {
  ValueTableStats table;
  // Bytes of private values in the side table that were replaced or removed, and wait for readers.
  // While they grow, some reader stays in its section. Store::pending_account() has those of all
  // maps, and old hash indexes.
  uint64_t pending_bytes = 0;
  // Gets, and writes of owners without storage pointers, that found no private value although the
  // owner's code says that it has one: errors of the caller. The owner was copied, or moved in
  // memory without Store::Move().
  uint64_t missing_private = 0;
};

}  // namespace inlay

#endif  // INLAY_INDEX_MAP_STATS_H_
