#include "tools/analysis/fields/field_budget.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace inlay::analysis {
namespace {

// Bytes that stay as long as anything is computed on fields, or more than them; changing one
// changes which values a given budget samples. For each value and field: its code, and the codes
// that leaving fields out makes of half the values (spoilers.h), and of half of those.
constexpr size_t kCellBytes = 16;
// For each value: its count, its hash by the fields, and, in a search for a split, those of groups.
constexpr size_t kValueBytes = 240;
// For each value and thread: hash slots and a copy of the hashes (row_hashes.h), or the classes and
// slots of the exact search (split_exact.h).
constexpr size_t kThreadValueBytes = 160;
// While a field is encoded, in the worst case of which all values differ: more than the entries of
// its table and its slots, while these move; and what a table starts with.
constexpr size_t kEncoderValueBytes = 210;
constexpr size_t kEncoderBytes = size_t{8} << 10;

}  // namespace

size_t FieldBudget::MostValues() const {
  return budget_bytes_ / (kCellBytes * fields_ + kValueBytes + kThreadValueBytes);
}

size_t FieldBudget::Threads(size_t values, size_t threads) const {
  const size_t all_threads = std::max<size_t>(threads, 1);
  if (values == 0) return all_threads;
  const size_t kept_bytes = values * (kCellBytes * fields_ + kValueBytes);
  const size_t left_bytes = budget_bytes_ - std::min(budget_bytes_, kept_bytes);
  return std::clamp<size_t>(left_bytes / (values * kThreadValueBytes), 1, all_threads);
}

size_t FieldBudget::Encoders(size_t values) const {
  const size_t kept_bytes = values * (kCellBytes / 2 * fields_);  // nothing is left out yet
  const size_t left_bytes = budget_bytes_ - std::min(budget_bytes_, kept_bytes);
  return std::clamp<size_t>(left_bytes / (values * kEncoderValueBytes + kEncoderBytes), 1,
                            std::max<size_t>(fields_, 1));
}

FieldCodes EncodeWithin(const FieldBudget& budget, const RecordSchema& schema,
                        const DistinctValues& distinct, size_t threads) {
  const CountedValues& values = distinct.values();
  const size_t most = budget.MostValues();
  if (values.size() <= most) {
    return EncodeFields(schema, values, threads, budget.Encoders(values.size()));
  }
  size_t kept = values.size();
  uint32_t level = distinct.counter.level();
  while (kept > most && level + 1 < 64) {
    const auto kept_next = static_cast<size_t>(
        std::count_if(values.begin(), values.end(), [level](const CountedValue& value) {
          return BoundedCounter::IsKept(ValueCounter::HashOf(value.bytes()), level + 1);
        }));
    if (kept_next == 0) break;
    kept = kept_next;
    ++level;
  }
  CountedValues sample;
  for (const CountedValue& value : values) {
    if (BoundedCounter::IsKept(ValueCounter::HashOf(value.bytes()), level)) sample.push_back(value);
  }
  return EncodeFields(schema, sample, threads, budget.Encoders(sample.size()));
}

}  // namespace inlay::analysis
