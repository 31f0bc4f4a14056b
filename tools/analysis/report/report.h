// Report: everything that `inlay analyze` knows about a data set, as numbers. docs/analyze.md
// defines each of them.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_REPORT_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/analysis/counting/copies_distribution.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/fields/field_statistics.h"
#include "tools/analysis/fields/spoilers.h"
#include "tools/analysis/growth/growth.h"
#include "tools/analysis/split/split_advice.h"
#include "tools/analysis/values/decoded_value.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// The reason why a report lacks a split.
enum class SplitLeftOut {
  kNo,        // it has one, none was wanted, or there are fewer than two fields
  kTooLarge,  // the search would take long, and the options do not allow it
  kSample,    // `codes` has a sample of the distinct values
};

struct TopValue {
  uint64_t count = 0;
  double share = 0;  // of the records, 0 to 1
  std::string text =
      {};  // hexadecimal for raw records, otherwise the cells joined by the delimiter
  std::vector<DecodedField> fields = {};  // of raw records whose fields are named
  uint64_t count_error = 0;               // how much larger the true count may be
};

// Errors are those of copies_distribution.h: 0 where a figure is exact.
struct Report {
  RecordSchema schema;
  bool exact = true;         // all distinct values were counted
  bool fields_exact = true;  // `codes` has all of them, not a sample
  uint64_t records = 0;
  uint64_t value_bytes =
      0;  // the size of the value; of text, the longest one's if that is not known
  uint64_t distinct = 0;
  double distinct_error = 0;
  // Raw records whose fields are named: distinct values if padding does not count.
  std::optional<uint64_t> distinct_by_fields;
  double dedup_ratio = 0;
  uint64_t singletons = 0;  // values that occur once
  double singletons_error = 0;
  double entropy_bits = 0;
  double entropy_bits_error = 0;
  std::optional<int> index_bits;  // nothing: no index is wide enough
  // While a change of every value is rolled out, the table holds old and new values.
  uint64_t rollout_distinct = 0;
  std::optional<int> rollout_index_bits;
  std::vector<TopValue> top;                   // by count, then by the bytes of the value
  std::vector<CopiesBucket> copies_histogram;  // without the empty buckets
  std::vector<FieldStatistics> fields;
  FieldCodes codes;  // source of all figures of fields
  std::vector<LayoutCost> layouts;
  LayoutInput layout_input;  // source of `layouts`
  Spoilers spoilers;
  size_t joint_spoilers = 0;         // the number of first steps of `spoilers` whose fields spoil
  std::optional<SplitAdvice> split;  // nothing: not asked for, fewer than two fields, or left out
  SplitLeftOut split_left_out = SplitLeftOut::kNo;
  Growth growth;
  std::vector<InputNote> notes;  // RecordSource::Notes(), which BuildReport() does not know
};

struct ReportOptions {
  size_t budget_bytes = BoundedCounter::kUnbounded;  // what the tables of fields may take
  size_t spoiler_steps = kDefaultSpoilerSteps;       // fields to leave out together, at most
  SplitOptions split = {};
  // Measured while reading, at most one of them: the distinct values among the first records, up to
  // all of them; or the snapshots, of which `distinct` is the last.
  std::vector<GrowthPoint> input_order = {};
  std::vector<Snapshot> snapshots = {};
};

// Computes the report on `distinct`, read with `schema`: the `top` most frequent values, and the
// fields with `threads` threads. Throws std::bad_alloc when memory runs out.
Report BuildReport(const RecordSchema& schema, const DistinctValues& distinct, size_t top,
                   size_t threads, const ReportOptions& options = {});

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_REPORT_H_
