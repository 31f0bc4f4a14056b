// DescribeTable(): what a map reports of its table (RegisteredMap::Describe()).

#ifndef INLAY_ENGINE_LAYOUTS_DESCRIBE_TABLE_H_
#define INLAY_ENGINE_LAYOUTS_DESCRIBE_TABLE_H_

#include "inlay/inline_words.h"
#include "inlay/store_report.h"
#include "inlay/value_table.h"

namespace inlay {

inline void DescribeTable(const ValueTable& table, InlineField field, MapReport* report) {
  report->is_interned = true;
  report->width_bits = field.width_bits;
  report->indexes = field.max_index();
  const ValueTableCounts counts = table.counts();
  report->live = counts.live;
  report->unreferenced = counts.unreferenced;
  report->retired = counts.retired;
  report->free = counts.free + counts.never_used;
  // Each value that was added can still be found, or was reclaimed.
  report->added = counts.reclaimed + counts.live + counts.unreferenced;
  report->ladder.reclaimed = counts.reclaimed;
}

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_DESCRIBE_TABLE_H_
