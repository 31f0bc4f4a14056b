// Report: everything that `inlay analyze` knows about a data set, as numbers. docs/analyze.md
// defines each of them.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/analysis/distinct_values.h"
#include "tools/analysis/field_statistics.h"
#include "tools/analysis/layout_costs.h"
#include "tools/analysis/record_source.h"
#include "tools/analysis/split_advice.h"

namespace inlay::analysis {

struct TopValue {
  uint64_t count = 0;
  double share = 0;  // of the records, 0 to 1
  std::string text;  // hexadecimal for raw records, otherwise the cells joined by the delimiter
};

// The values that occur copies_from to copies_to times, and the records that hold them.
struct CopiesBucket {
  uint64_t copies_from = 0;  // a power of two
  uint64_t copies_to = 0;    // 2 * copies_from - 1
  uint64_t values = 0;
  uint64_t records = 0;
};

struct Report {
  RecordSchema schema;
  uint64_t records = 0;
  uint64_t value_bytes = 0;  // raw: the size of a record; text: of the longest value's text
  uint64_t distinct = 0;
  double dedup_ratio = 0;
  uint64_t singletons = 0;  // values that occur once
  double entropy_bits = 0;
  std::optional<int> index_bits;               // nothing: no index is wide enough
  std::vector<TopValue> top;                   // by count, then by the bytes of the value
  std::vector<CopiesBucket> copies_histogram;  // without the empty buckets
  std::vector<FieldStatistics> fields;
  FieldCodes codes;  // what is said of fields is computed from these
  std::vector<LayoutCost> layouts;
  LayoutInput layout_input;          // what the layouts were computed from
  std::optional<SplitAdvice> split;  // nothing: not asked for, or fewer than two fields
};

// Computes the report on `distinct`, read with `schema`: the `top` most frequent values, and the
// fields with `threads` threads. Throws std::bad_alloc when memory runs out.
Report BuildReport(const RecordSchema& schema, const DistinctValues& distinct, size_t top,
                   size_t threads, const SplitOptions& split = {});

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_H_
