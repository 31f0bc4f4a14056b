#include "tools/analysis/report.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>

namespace inlay::analysis {
namespace {

// How many values have each count. There are few different counts even when there are many values,
// and the order makes every sum over them the same in every run.
using ValuesPerCount = std::map<uint64_t, uint64_t>;

ValuesPerCount GroupByCount(const std::vector<CountedValue>& values) {
  std::unordered_map<uint64_t, uint64_t> groups;
  uint64_t singletons = 0;
  for (const CountedValue& value : values) {
    if (value.count == 1) {
      ++singletons;
    } else {
      ++groups[value.count];
    }
  }
  ValuesPerCount ordered(groups.begin(), groups.end());
  if (singletons > 0) ordered[1] = singletons;
  return ordered;
}

double EntropyBits(const ValuesPerCount& groups, uint64_t records) {
  const auto total = static_cast<double>(records);
  double bits = 0;
  for (const auto& [count, values] : groups) {
    const auto c = static_cast<double>(count);
    bits += static_cast<double>(values) * (c / total) * std::log2(total / c);
  }
  return bits;
}

std::vector<CopiesBucket> CopiesHistogram(const ValuesPerCount& groups) {
  std::vector<CopiesBucket> buckets;
  for (const auto& [count, values] : groups) {
    const uint64_t from = std::bit_floor(count);
    if (buckets.empty() || buckets.back().copies_from != from) {
      buckets.push_back({from, from * 2 - 1, 0, 0});
    }
    buckets.back().values += values;
    buckets.back().records += values * count;
  }
  return buckets;
}

// Records whose value is not among the `kept` most frequent ones.
uint64_t RecordsBeyond(const ValuesPerCount& groups, uint64_t kept) {
  uint64_t beyond = 0;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    const uint64_t kept_here = std::min(kept, group->second);
    kept -= kept_here;
    beyond += (group->second - kept_here) * group->first;
  }
  return beyond;
}

std::string_view AsText(const CountedValue& value) {
  return {reinterpret_cast<const char*>(value.data), value.length};
}

std::string Hex(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string ShownText(const RecordSchema& schema, const CountedValue& value) {
  return schema.kind == RecordSchema::Kind::kRaw ? Hex(value.bytes())
                                                 : RowText(AsText(value), schema.dialect);
}

std::vector<TopValue> TopValues(const RecordSchema& schema, const DistinctValues& distinct,
                                size_t top) {
  const std::vector<CountedValue>& values = distinct.values();
  std::vector<const CountedValue*> order;
  order.reserve(values.size());
  for (const CountedValue& value : values) order.push_back(&value);
  const auto shown = order.begin() + static_cast<std::ptrdiff_t>(std::min(top, order.size()));
  std::partial_sort(order.begin(), shown, order.end(),
                    [](const CountedValue* a, const CountedValue* b) {
                      return a->count != b->count ? a->count > b->count : AsText(*a) < AsText(*b);
                    });
  std::vector<TopValue> result;
  for (auto value = order.begin(); value != shown; ++value) {
    result.push_back({(*value)->count,
                      static_cast<double>((*value)->count) / static_cast<double>(distinct.records),
                      ShownText(schema, **value)});
  }
  return result;
}

// The fields of raw records of which nobody has said anything.
std::vector<ValueField> EveryByte(uint64_t value_bytes) {
  std::vector<ValueField> fields;
  for (uint64_t offset = 0; offset < value_bytes; ++offset) {
    fields.push_back(
        {.name = "byte " + std::to_string(offset), .offset_bits = 8 * offset, .size_bits = 8});
  }
  return fields;
}

uint64_t LongestTextBytes(const RecordSchema& schema, const std::vector<CountedValue>& values) {
  uint64_t longest = 0;
  for (const CountedValue& value : values) {
    if (value.length <= longest) continue;  // the text is never longer than the canonical form
    longest = std::max<uint64_t>(longest, RowText(AsText(value), schema.dialect).size());
  }
  return longest;
}

}  // namespace

Report BuildReport(const RecordSchema& schema, const DistinctValues& distinct, size_t top,
                   size_t threads, const SplitOptions& split) {
  const std::vector<CountedValue>& values = distinct.values();
  const ValuesPerCount groups = GroupByCount(values);
  Report report;
  report.schema = schema;
  report.records = distinct.records;
  report.value_bytes = schema.kind == RecordSchema::Kind::kRaw ? schema.value_bytes
                                                               : LongestTextBytes(schema, values);
  report.distinct = values.size();
  report.dedup_ratio = static_cast<double>(report.records) / static_cast<double>(report.distinct);
  const auto once = groups.find(1);
  report.singletons = once == groups.end() ? 0 : once->second;
  report.entropy_bits = EntropyBits(groups, report.records);
  report.index_bits = SmallestIndexBits(report.distinct);
  report.top = TopValues(schema, distinct, top);
  report.copies_histogram = CopiesHistogram(groups);
  if (report.schema.fields.empty()) report.schema.fields = EveryByte(schema.value_bytes);
  report.codes = EncodeFields(report.schema, values, threads);
  report.fields = DescribeFields(report.codes);
  report.layout_input = {report.records, report.value_bytes, report.distinct,
                         RecordsBeyond(groups, IndexCapacity(kMaxIndexBits))};
  report.layouts = LayoutCosts(report.layout_input);
  if (split.search) {
    report.split = AdviseSplit(report.schema, values, report.codes, split, threads);
  }
  return report;
}

}  // namespace inlay::analysis
