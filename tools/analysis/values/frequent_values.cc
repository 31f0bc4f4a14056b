#include "tools/analysis/values/frequent_values.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace inlay::analysis {

void FrequentValues::Add(std::span<const uint8_t> value, uint64_t hash, uint64_t count) {
  const size_t bytes_before = counter_.value_bytes();
  counter_.AddCounted(value, hash, count);
  const size_t values = counter_.values().size();
  const size_t bytes = counter_.value_bytes();
  const bool fits = bytes == bytes_before || (share_.Fits(bytes) && bytes <= kMostBytes);
  if (values >= 2 * kWanted || (values > 2 && !fits)) Forget();
}

void FrequentValues::Absorb(const FrequentValues& other) {
  for (const CountedValue& value : other.values()) {
    Add(value.bytes(), ValueCounter::HashOf(value.bytes()), value.count);
  }
  error_ += other.error_;
}

void FrequentValues::Forget() {
  std::vector<uint64_t> counts;
  counts.reserve(counter_.values().size());
  for (const CountedValue& value : counter_.values()) counts.push_back(value.count);
  const auto last_wanted = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), last_wanted, counts.end(), std::greater<>());
  const uint64_t taken = *last_wanted;
  ValueCounter kept;
  for (const CountedValue& value : counter_.values()) {
    if (value.count <= taken) continue;
    kept.AddCounted(value.bytes(), ValueCounter::HashOf(value.bytes()), value.count - taken);
  }
  counter_ = std::move(kept);
  error_ += taken;
}

}  // namespace inlay::analysis
