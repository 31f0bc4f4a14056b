#include "tools/analysis/values/value_counter.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <utility>

#include "tools/analysis/bytes/in_parallel.h"

namespace inlay::analysis {
namespace {

constexpr size_t kFirstChunkBytes = size_t{16} << 10;
constexpr size_t kMaxChunkBytes = size_t{1} << 20;

// With more values than this the entries no longer sit in a second-level cache, and asking for them
// ahead pays for itself.
constexpr size_t kPrefetchValues = size_t{1} << 13;

bool SameBytes(const CountedValue& entry, std::span<const uint8_t> value) {
  // memcmp must not see the null pointer of an empty value.
  return entry.length == value.size() &&
         (value.empty() || std::memcmp(entry.data, value.data(), value.size()) == 0);
}

}  // namespace

ValueCounter::ValueCounter(Bytes bytes) : bytes_(bytes) {}

uint64_t ValueCounter::HashOf(std::span<const uint8_t> value) {
  return XXH3_64bits(value.data(), value.size());
}

void ValueCounter::AddCounted(std::span<const uint8_t> value, uint64_t hash, uint64_t count) {
  if (!has_slots_) MakeSlots();
  AddHashed(value, hash, count, bytes_ == Bytes::kCopy);
}

void ValueCounter::AddBlock(const RecordBlock& block) {
  AddMany(
      block.size(), [&block](size_t i) { return block[i]; }, [](size_t, size_t) {});
}

void ValueCounter::AddValues(std::span<const std::span<const uint8_t>> values, uint32_t* places) {
  AddMany(
      values.size(), [values](size_t i) { return values[i]; },
      [places](size_t i, size_t place) {
        if (places != nullptr) places[i] = static_cast<uint32_t>(place);
      });
}

template <typename ValueAt, typename Placed>
void ValueCounter::AddMany(size_t size, ValueAt value_at, Placed placed) {
  if (!has_slots_) MakeSlots();
  uint64_t hashes[kBatch];
  for (size_t first = 0; first < size; first += kBatch) {
    const size_t count = std::min(kBatch, size - first);
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = HashOf(value_at(first + i));
      slots_.Prefetch(hashes[i]);
    }
    if (values_.size() > kPrefetchValues) PrefetchEntries(hashes, count);
    for (size_t i = 0; i < count; ++i) {
      placed(first + i, AddHashed(value_at(first + i), hashes[i], 1, bytes_ == Bytes::kCopy));
    }
  }
}

void ValueCounter::Absorb(ValueCounter&& other) {
  if (other.values_.size() > values_.size()) std::swap(*this, other);
  if (!has_slots_) MakeSlots();
  other.slots_.Clear();
  for (std::unique_ptr<uint8_t[]>& chunk : other.chunks_) chunks_.push_back(std::move(chunk));
  uint64_t hashes[kBatch];
  for (size_t first = 0; first < other.values_.size(); first += kBatch) {
    const size_t count = std::min(kBatch, other.values_.size() - first);
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = HashOf(other.values_[first + i].bytes());
      slots_.Prefetch(hashes[i]);
    }
    PrefetchEntries(hashes, count);
    for (size_t i = 0; i < count; ++i) {
      const CountedValue& value = other.values_[first + i];
      AddHashed(value.bytes(), hashes[i], value.count, /*copy=*/false);
    }
  }
  value_bytes_ += other.value_bytes_;
  other = ValueCounter(other.bytes_);
}

void ValueCounter::AbsorbAll(std::span<ValueCounter> others, size_t threads) {
  for (ValueCounter& other : others) {
    if (other.values_.size() > values_.size()) std::swap(*this, other);
  }
  if (!has_slots_) MakeSlots();
  for (ValueCounter& other : others) {
    if (!other.has_slots_) other.MakeSlots();
  }
  // The places in others[i].values_ of values that are here, or in one of others, as well.
  std::vector<std::vector<size_t>> repeated(others.size() * HashSlots::kSegments);
  std::atomic<size_t> next = 0;
  InParallel(std::min(threads, HashSlots::kSegments), [&](size_t /*thread*/) {
    for (size_t segment = next++; segment < HashSlots::kSegments; segment = next++) {
      for (size_t i = 0; i < others.size(); ++i) {
        JoinSegment(segment, others, i, &repeated[i * HashSlots::kSegments + segment]);
      }
    }
  });
  slots_.Clear();
  has_slots_ = false;
  for (size_t i = 0; i < others.size(); ++i) {
    std::vector<size_t> gaps;
    for (size_t segment = 0; segment < HashSlots::kSegments; ++segment) {
      const std::vector<size_t>& some = repeated[i * HashSlots::kSegments + segment];
      gaps.insert(gaps.end(), some.begin(), some.end());
    }
    std::sort(gaps.begin(), gaps.end(), std::greater<>());
    // The last gap first: what is behind it has no gaps.
    CountedValues& values = others[i].values_;
    for (const size_t gap : gaps) {
      values[gap] = values.back();
      values.pop_back();
    }
    values_.Append(std::move(values));
    for (std::unique_ptr<uint8_t[]>& chunk : others[i].chunks_) chunks_.push_back(std::move(chunk));
    value_bytes_ += others[i].value_bytes_;
    others[i] = ValueCounter(others[i].bytes_);
  }
}

// Moves the slots of a segment of others[number] here. A place beyond values_ is that of an entry
// of others[0], or, beyond those, of others[1], and so on. The entries stay where they are.
void ValueCounter::JoinSegment(size_t segment, std::span<ValueCounter> others, size_t number,
                               std::vector<size_t>* repeated) {
  const auto entry_at = [&](size_t place) -> CountedValue& {
    if (place < values_.size()) return values_[place];
    place -= values_.size();
    size_t i = 0;
    for (; place >= others[i].values_.size(); ++i) place -= others[i].values_.size();
    return others[i].values_[place];
  };
  size_t before = values_.size();
  for (size_t i = 0; i < number; ++i) before += others[i].values_.size();
  struct Coming {
    uint64_t hash;
    size_t place;
    const CountedValue* guess;
  };
  std::array<Coming, kBatch> batch;
  size_t count = 0;
  const auto join_batch = [&] {
    // Two rounds, because the place of the bytes is only known once the entry has arrived.
    for (size_t i = 0; i < count; ++i) {
      const size_t guess = slots_.Guess(batch[i].hash);
      batch[i].guess = guess == HashSlots::kNone ? nullptr : &entry_at(guess);
      if (batch[i].guess == nullptr) continue;
      __builtin_prefetch(batch[i].guess, 1);
      __builtin_prefetch(&others[number].values_[batch[i].place]);
    }
    for (size_t i = 0; i < count; ++i) {
      if (batch[i].guess == nullptr) continue;
      __builtin_prefetch(batch[i].guess->data);
      __builtin_prefetch(others[number].values_[batch[i].place].data);
    }
    for (size_t i = 0; i < count; ++i) {
      const CountedValue& coming = others[number].values_[batch[i].place];
      HashSlots::Slot slot = slots_.Find(
          batch[i].hash, [&](size_t place) { return SameBytes(entry_at(place), coming.bytes()); });
      if (slot.is_free()) {
        slot.Fill(before + batch[i].place);
      } else {
        entry_at(slot.place()).count += coming.count;
        repeated->push_back(batch[i].place);
      }
    }
    count = 0;
  };
  others[number].slots_.TakeSegment(segment, [&](uint64_t hash, size_t place) {
    batch[count++] = {hash, place, nullptr};
    if (count == batch.size()) join_batch();
  });
  join_batch();
}

void ValueCounter::MakeSlots() {
  uint64_t hashes[kBatch];
  for (size_t first = 0; first < values_.size(); first += kBatch) {
    const size_t count = std::min(kBatch, values_.size() - first);
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = HashOf(values_[first + i].bytes());
      slots_.Prefetch(hashes[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      slots_.Find(hashes[i], [](size_t /*place*/) { return false; }).Fill(first + i);
    }
  }
  has_slots_ = true;
}

size_t ValueCounter::AddHashed(std::span<const uint8_t> value, uint64_t hash, uint64_t count,
                               bool copy) {
  HashSlots::Slot slot =
      slots_.Find(hash, [&](size_t place) { return SameBytes(values_[place], value); });
  if (!slot.is_free()) {
    values_[slot.place()].count += count;
    return slot.place();
  }
  values_.push_back(
      {copy ? CopyBytes(value) : value.data(), count, static_cast<uint32_t>(value.size())});
  slot.Fill(values_.size() - 1);
  return values_.size() - 1;
}

const uint8_t* ValueCounter::CopyBytes(std::span<const uint8_t> value) {
  if (value.empty()) return nullptr;
  if (value.size() > chunk_left_) {
    const size_t doubled = kFirstChunkBytes << std::min<size_t>(chunks_.size(), 20);
    const size_t chunk_bytes = std::max(value.size(), std::min(doubled, kMaxChunkBytes));
    chunks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(chunk_bytes));
    chunk_next_ = chunks_.back().get();
    chunk_left_ = chunk_bytes;
  }
  value_bytes_ += value.size();
  std::memcpy(chunk_next_, value.data(), value.size());
  chunk_left_ -= value.size();
  return std::exchange(chunk_next_, chunk_next_ + value.size());
}

void ValueCounter::PrefetchEntries(const uint64_t* hashes, size_t count) const {
  // Two rounds, because the address of the bytes is known only after the entry has arrived.
  const CountedValue* entries[kBatch];
  for (size_t i = 0; i < count; ++i) {
    const size_t guess = slots_.Guess(hashes[i]);
    entries[i] = guess == HashSlots::kNone ? nullptr : &values_[guess];
    if (entries[i] != nullptr) __builtin_prefetch(entries[i], 1);
  }
  for (size_t i = 0; i < count; ++i) {
    if (entries[i] != nullptr) __builtin_prefetch(entries[i]->data);
  }
}

}  // namespace inlay::analysis
