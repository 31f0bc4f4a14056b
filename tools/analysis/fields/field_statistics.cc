#include "tools/analysis/fields/field_statistics.h"

#include <algorithm>
#include <cmath>

namespace inlay::analysis {
namespace {

double EntropyBits(const CodedField& field, const FieldCodes& codes) {
  std::vector<uint64_t> records(field.distinct());
  for (size_t value = 0; value < codes.values(); ++value) {
    records[field.codes[value]] += codes.counts[value];
  }
  // The order of the values differs between runs, and a sum of fractions depends on its order, so
  // sort the counts. Counts of 1 are the most common and need no sorting.
  std::sort(
      std::partition(records.begin(), records.end(), [](uint64_t count) { return count == 1; }),
      records.end());
  const auto total = static_cast<double>(codes.records);
  double bits = 0;
  for (const uint64_t count : records) {
    const auto c = static_cast<double>(count);
    bits += c / total * std::log2(total / c);
  }
  return bits;
}

}  // namespace

std::vector<FieldStatistics> DescribeFields(const FieldCodes& codes) {
  std::vector<FieldStatistics> fields;
  for (const CodedField& coded : codes.fields) {
    FieldStatistics statistics;
    statistics.name = coded.field.name;
    if (coded.field.offset_bits.has_value()) {
      statistics.offset = *coded.field.offset_bits / 8;
      statistics.bytes = coded.field.size_bytes();
    }
    statistics.distinct = coded.distinct();
    statistics.entropy_bits = EntropyBits(coded, codes);
    fields.push_back(std::move(statistics));
  }
  return fields;
}

}  // namespace inlay::analysis
