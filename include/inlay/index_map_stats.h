// IndexMapStats: what IndexMap::stats() tells of a map.

#ifndef INLAY_INDEX_MAP_STATS_H_
#define INLAY_INDEX_MAP_STATS_H_

#include <cstdint>

#include "inlay/store_report.h"
#include "inlay/value_table.h"

namespace inlay {

struct IndexMapStats : OverflowCounters {
  ValueTableStats table;
  // Gets, and writes of owners without storage pointers, that found no private value although the
  // owner's code says that it has one: errors of the caller. The owner was copied, or moved in
  // memory without Store::Move().
  uint64_t missing_private = 0;
};

}  // namespace inlay

#endif  // INLAY_INDEX_MAP_STATS_H_
