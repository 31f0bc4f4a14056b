#include "tools/analysis/values/bounded_counter.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

namespace inlay::analysis {
namespace {

// Per value: more than its entry and its slot, of which it leaves room for those of a second
// counter while levels are raised. Changing it changes which values a given budget samples.
constexpr size_t kEntryBytes = 192;
// Bytes of values are in chunks that are not full, and are copied when the level is raised.
constexpr double kCopies = 1.6;

}  // namespace

bool BoundedCounter::IsKept(uint64_t hash, uint32_t level) {
  // Bits of their own: a counter finds its slot with the highest of the hash.
  const uint64_t mixed = (hash ^ (hash >> 32)) * 0x9e37'79b9'7f4a'7c15;
  return level == 0 || static_cast<uint32_t>(std::countl_zero(mixed)) >= level;
}

std::vector<BoundedCounter> BoundedCounter::Sharing(size_t budget_bytes, size_t count) {
  std::vector<BoundedCounter> counters(count);
  if (budget_bytes == kUnbounded) return counters;
  const size_t frequent_bytes = budget_bytes / count < FrequentValues::kMostBytes
                                    ? budget_bytes
                                    : FrequentValues::kMostBytes * count;
  const std::vector<MemoryShare> of_frequent = MemoryShare::Split(frequent_bytes, count);
  const auto shared = std::make_shared<SharedLevel>(budget_bytes, count);
  for (size_t i = 0; i < count; ++i) {
    counters[i].budget_bytes_ = 0;
    counters[i].shared_ = shared;
    counters[i].who_ = i;
    counters[i].frequent_.LimitBytes(of_frequent[i]);
  }
  return counters;
}

size_t BoundedCounter::UsedBytes() const {
  return static_cast<size_t>(static_cast<double>(sample_.values().size()) * kEntryBytes +
                             static_cast<double>(sample_.value_bytes()) * kCopies);
}

bool BoundedCounter::Fits() {
  return shared_ == nullptr ? UsedBytes() <= budget_bytes_
                            : shared_->Fits(who_, level_, UsedBytes());
}

// Stops before no value is left: an empty sample is useless.
void BoundedCounter::RaiseLevelUntilItFits() {
  for (;;) {
    if (shared_ != nullptr) RaiseLevel(std::max(level_, shared_->level()));
    if (Fits()) return;
    const uint32_t next = level_ + 1;
    const bool some_left =
        next < 64 && std::any_of(sample_.values().begin(), sample_.values().end(),
                                 [next](const CountedValue& value) {
                                   return IsKept(ValueCounter::HashOf(value.bytes()), next);
                                 });
    if (!some_left) return;
    if (shared_ == nullptr) {
      RaiseLevel(next);
    } else {
      shared_->RaiseFrom(level_);
    }
  }
}

void BoundedCounter::AddBlock(const RecordBlock& block) {
  if (level_ == 0 && !block.has_copies()) {
    sample_.AddBlock(block);
  } else {
    for (size_t i = 0; i < block.size(); ++i) {
      AddToSampleOrNot(block[i], ValueCounter::HashOf(block[i]), block.copies(i));
    }
  }
  RaiseLevelUntilItFits();
}

void BoundedCounter::AddCounted(std::span<const uint8_t> value, uint64_t count) {
  AddToSampleOrNot(value, ValueCounter::HashOf(value), count);
  RaiseLevelUntilItFits();
}

void BoundedCounter::AddToSampleOrNot(std::span<const uint8_t> value, uint64_t hash,
                                      uint64_t count) {
  if (IsKept(hash, level_)) {
    sample_.AddCounted(value, hash, count);
  } else {
    LeaveOut(value, hash, count);
  }
}

void BoundedCounter::LeaveOut(std::span<const uint8_t> value, uint64_t hash, uint64_t count) {
  frequent_.Add(value, hash, count);
  // The text is never longer than the canonical form.
  if (text_dialect_.has_value() && value.size() > longest_left_out_bytes_) {
    const std::string_view row(reinterpret_cast<const char*>(value.data()), value.size());
    RaiseLongestLeftOut(RowText(row, *text_dialect_).size());
  }
}

void BoundedCounter::RaiseLevel(uint32_t level) {
  if (level == level_) return;
  level_ = level;
  ValueCounter kept;
  for (const CountedValue& value : sample_.values()) {
    const uint64_t hash = ValueCounter::HashOf(value.bytes());
    if (IsKept(hash, level)) {
      kept.AddCounted(value.bytes(), hash, value.count);
    } else {
      LeaveOut(value.bytes(), hash, value.count);
    }
  }
  sample_ = std::move(kept);
}

void BoundedCounter::Absorb(BoundedCounter&& other) {
  budget_bytes_ = other.budget_bytes_ > kUnbounded - budget_bytes_
                      ? kUnbounded
                      : budget_bytes_ + other.budget_bytes_;
  shared_.reset();
  if (!text_dialect_.has_value()) text_dialect_ = other.text_dialect_;
  const uint32_t level = std::max(level_, other.level_);
  RaiseLevel(level);
  other.RaiseLevel(level);
  sample_.Absorb(std::move(other.sample_));
  RaiseLevelUntilItFits();
  frequent_.LimitBytes(budget_bytes_);
  frequent_.Absorb(other.frequent_);
  RaiseLongestLeftOut(other.longest_left_out_bytes_);
}

void BoundedCounter::AbsorbAll(std::span<BoundedCounter> others, size_t threads) {
  const bool bounded = budget_bytes_ != kUnbounded || level_ > 0 ||
                       std::any_of(others.begin(), others.end(), [](const BoundedCounter& other) {
                         return other.budget_bytes_ != kUnbounded || other.level_ > 0;
                       });
  if (bounded) {
    for (BoundedCounter& other : others) Absorb(std::move(other));
    return;
  }
  std::vector<ValueCounter> samples;
  for (BoundedCounter& other : others) {
    if (!text_dialect_.has_value()) text_dialect_ = other.text_dialect_;
    samples.push_back(std::move(other.sample_));
  }
  sample_.AbsorbAll(samples, threads);
}

}  // namespace inlay::analysis
