// IndexMapStats: what IndexMap::stats() tells of a map.

#ifndef INLAY_INDEX_MAP_STATS_H_
#define INLAY_INDEX_MAP_STATS_H_

#include "inlay/store_report.h"
#include "inlay/value_table.h"

namespace inlay {

struct IndexMapStats : OverflowCounters {
  ValueTableStats table;
};

}  // namespace inlay

#endif  // INLAY_INDEX_MAP_STATS_H_
