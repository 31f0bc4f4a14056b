#include "tools/analysis/report/report.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "tools/analysis/counting/fields_only.h"
#include "tools/analysis/fields/byte_ranges.h"
#include "tools/analysis/fields/field_budget.h"
#include "tools/analysis/fields/row_hashes.h"
#include "tools/analysis/growth/growth_forecast.h"
#include "tools/analysis/values/bytes_column.h"

namespace inlay::analysis {
namespace {

// Values times fields above which the search for a split would take longer than all else.
constexpr size_t kMostQuickSplitCells = 1'000'000;

std::string_view AsText(const CountedValue& value) {
  return {reinterpret_cast<const char*>(value.data), value.length};
}

std::string RecordText(const RecordSchema& schema, const CountedValue& value) {
  if (schema.kind == RecordSchema::Kind::kRaw) return Hex(value.bytes());
  const std::string_view row = schema.has_bytes_column
                                   ? WithoutBytesCell(AsText(value), schema.dialect.delimiter)
                                   : AsText(value);
  return RowText(row, schema.dialect);
}

// A value that may be among the most frequent ones.
struct Candidate {
  const CountedValue* value = nullptr;
  uint64_t count_error = 0;  // how much too low the count may be
};

bool NamesRawFields(const RecordSchema& schema) {
  return schema.kind == RecordSchema::Kind::kRaw && !schema.fields.empty();
}

std::vector<TopValue> TopValues(const RecordSchema& schema, const DistinctValues& distinct,
                                size_t top) {
  std::vector<Candidate> order;  // a heap of the first ones so far; the last of them is on top
  const auto is_before = [](const Candidate& a, const Candidate& b) {
    return a.value->count != b.value->count ? a.value->count > b.value->count
                                            : AsText(*a.value) < AsText(*b.value);
  };
  const auto add = [&](const Candidate& candidate) {
    if (order.size() == top) {
      if (top == 0 || !is_before(candidate, order.front())) return;
      std::pop_heap(order.begin(), order.end(), is_before);
      order.pop_back();
    }
    order.push_back(candidate);
    std::push_heap(order.begin(), order.end(), is_before);
  };
  const FrequentValues& frequent = distinct.counter.frequent();
  for (const CountedValue& value : distinct.values()) add({&value, 0});
  for (const CountedValue& value : frequent.values()) add({&value, frequent.error()});
  std::sort_heap(order.begin(), order.end(), is_before);
  std::vector<TopValue> result;
  for (const Candidate& candidate : order) {
    const CountedValue& value = *candidate.value;
    result.push_back({value.count,
                      static_cast<double>(value.count) / static_cast<double>(distinct.records),
                      RecordText(schema, value),
                      NamesRawFields(schema) ? DecodeValue(value.bytes(), schema.fields)
                                             : std::vector<DecodedField>(),
                      candidate.count_error});
  }
  return result;
}

bool IsPadding(const CodedField& coded) { return coded.field.kind == FieldKind::kPadding; }

// The distinct values of all fields but padding.
uint64_t DistinctByFields(const FieldCodes& codes) {
  if (std::none_of(codes.fields.begin(), codes.fields.end(), IsPadding)) return codes.values();
  RowHashes hashes(codes);
  for (size_t field = 0; field < codes.fields.size(); ++field) {
    if (!IsPadding(codes.fields[field])) hashes.Include(field);
  }
  RowHashes::Scratch scratch;
  return hashes.Distinct(&scratch);
}

uint64_t LongestTextBytes(const RecordSchema& schema, const DistinctValues& distinct) {
  uint64_t longest = distinct.counter.longest_left_out_bytes();
  for (const CountedValue& value : distinct.values()) {
    if (value.length <= longest) continue;  // the text is never longer than the canonical form
    longest = std::max<uint64_t>(longest, RowText(AsText(value), schema.dialect).size());
  }
  return longest;
}

}  // namespace

Report BuildReport(const RecordSchema& schema, const DistinctValues& distinct, size_t top,
                   size_t threads, const ReportOptions& options) {
  const CountedValues& values = distinct.values();
  const CopiesDistribution copies(distinct);
  Report report;
  report.schema = schema;
  report.exact = distinct.exact();
  report.records = distinct.records;
  report.value_bytes = schema.kind == RecordSchema::Kind::kRaw ? schema.value_bytes
                       : schema.binary_bytes.has_value()       ? *schema.binary_bytes
                                                               : LongestTextBytes(schema, distinct);
  report.distinct = std::clamp<uint64_t>(
      static_cast<uint64_t>(std::llround(copies.distinct().value)), 1, report.records);
  report.distinct_error = copies.distinct().error;
  report.dedup_ratio = static_cast<double>(report.records) / static_cast<double>(report.distinct);
  report.singletons =
      std::min(static_cast<uint64_t>(std::llround(copies.singletons().value)), report.distinct);
  report.singletons_error = copies.singletons().error;
  report.entropy_bits = copies.entropy_bits().value;
  report.entropy_bits_error = copies.entropy_bits().error;
  report.index_bits = SmallestIndexBits(report.distinct);
  report.rollout_distinct = 2 * report.distinct;
  report.rollout_index_bits = SmallestIndexBits(report.rollout_distinct);
  report.top = TopValues(schema, distinct, top);
  report.copies_histogram = copies.Histogram();
  if (report.schema.fields.empty()) {
    report.schema.fields = DiscoverByteRanges(schema.value_bytes, values);
  }
  // The column of bytes decides which values are equal, but is not a field.
  const std::optional<FieldsOnly> fields_only = WithoutBytesColumn(schema, distinct);
  if (fields_only.has_value()) report.schema = fields_only->schema;
  const DistinctValues& of_fields = fields_only.has_value() ? fields_only->distinct : distinct;
  const FieldBudget budget(options.budget_bytes, report.schema.fields.size());
  report.codes = EncodeWithin(budget, report.schema, of_fields, threads);
  const size_t field_threads = budget.Threads(report.codes.values(), threads);
  report.fields_exact = report.exact && report.codes.values() == of_fields.values().size();
  if (NamesRawFields(schema)) {
    const uint64_t by_fields = DistinctByFields(report.codes);
    // A sample gives a lower bound.
    report.distinct_by_fields = by_fields == report.codes.values() ? report.distinct : by_fields;
  }
  report.fields = DescribeFields(report.codes);
  report.layout_input = {report.records, report.value_bytes, report.distinct,
                         copies.RecordsBeyond(IndexCapacity(kMaxIndexBits))};
  report.layouts = LayoutCosts(report.layout_input);
  report.spoilers = FindSpoilers(report.codes, options.spoiler_steps, field_threads);
  for (size_t i = 0; i < report.fields.size(); ++i) {
    report.fields[i].distinct_without = report.spoilers.distinct_without[i];
  }
  report.growth = !options.snapshots.empty()     ? GrowthOfSnapshots(options.snapshots, copies)
                  : !options.input_order.empty() ? GrowthInInputOrder(options.input_order, copies)
                                                 : GrowthInRandomOrder(copies);
  report.joint_spoilers = JointSpoilers(report.codes, report.spoilers, report.layout_input);
  // No split from a sample of the values: the real cost of the advice is unknown.
  const bool is_quick = values.size() * report.codes.fields.size() <= kMostQuickSplitCells;
  if (!options.split.search || report.codes.fields.size() < 2) return report;
  if (!report.fields_exact) {
    report.split_left_out = SplitLeftOut::kSample;
  } else if (!is_quick && !options.split.however_large) {
    report.split_left_out = SplitLeftOut::kTooLarge;
  } else {
    report.split =
        AdviseSplit(report.schema, of_fields.values(), report.codes, options.split, field_threads);
  }
  return report;
}

}  // namespace inlay::analysis
