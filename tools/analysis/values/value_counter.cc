#include "tools/analysis/values/value_counter.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace inlay::analysis {
namespace {

constexpr size_t kFirstSlots = 1024;
constexpr size_t kFirstChunkBytes = size_t{16} << 10;
constexpr size_t kMaxChunkBytes = size_t{1} << 20;

// With more slots than this the entries exceed the second-level cache, and prefetching them pays
// off.
constexpr size_t kPrefetchSlots = size_t{1} << 14;

bool SameBytes(const CountedValue& entry, std::span<const uint8_t> value) {
  // memcmp must not see the null pointer of an empty value.
  return entry.length == value.size() &&
         (value.empty() || std::memcmp(entry.data, value.data(), value.size()) == 0);
}

}  // namespace

ValueCounter::ValueCounter(Bytes bytes) : bytes_(bytes), slots_(kFirstSlots) {}

uint64_t ValueCounter::HashOf(std::span<const uint8_t> value) {
  return XXH3_64bits(value.data(), value.size());
}

void ValueCounter::AddCounted(std::span<const uint8_t> value, uint64_t hash, uint64_t count) {
  MakeRoom(1);
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
  uint64_t hashes[kBatch];
  for (size_t first = 0; first < size; first += kBatch) {
    const size_t count = std::min(kBatch, size - first);
    MakeRoom(count);
    const size_t mask = slots_.size() - 1;
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = HashOf(value_at(first + i));
      __builtin_prefetch(&slots_[hashes[i] & mask]);
    }
    if (slots_.size() > kPrefetchSlots) PrefetchEntries(hashes, count);
    for (size_t i = 0; i < count; ++i) {
      placed(first + i, AddHashed(value_at(first + i), hashes[i], 1, bytes_ == Bytes::kCopy));
    }
  }
}

void ValueCounter::Absorb(ValueCounter&& other) {
  if (other.values_.size() > values_.size()) std::swap(*this, other);
  for (std::unique_ptr<uint8_t[]>& chunk : other.chunks_) chunks_.push_back(std::move(chunk));
  uint64_t hashes[kBatch];
  for (size_t first = 0; first < other.values_.size(); first += kBatch) {
    const size_t count = std::min(kBatch, other.values_.size() - first);
    MakeRoom(count);
    const size_t mask = slots_.size() - 1;
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = other.values_[first + i].hash;
      __builtin_prefetch(&slots_[hashes[i] & mask]);
    }
    PrefetchEntries(hashes, count);
    for (size_t i = 0; i < count; ++i) {
      const CountedValue& value = other.values_[first + i];
      AddHashed(value.bytes(), value.hash, value.count, /*copy=*/false);
    }
  }
  other.values_.clear();
  other.chunks_.clear();
  other.chunk_left_ = 0;
  value_bytes_ += std::exchange(other.value_bytes_, 0);
  std::fill(other.slots_.begin(), other.slots_.end(), uint64_t{0});
}

void ValueCounter::MakeRoom(size_t more) {
  if ((values_.size() + more) * 2 <= slots_.size()) return;
  std::vector<uint64_t> slots(std::bit_ceil((values_.size() + more) * 4));
  const size_t mask = slots.size() - 1;
  for (size_t i = 0; i < values_.size(); ++i) {
    size_t at = values_[i].hash & mask;
    while (slots[at] != 0) at = (at + 1) & mask;
    slots[at] = Tag(values_[i].hash) | (i + 1);
  }
  slots_ = std::move(slots);
}

size_t ValueCounter::AddHashed(std::span<const uint8_t> value, uint64_t hash, uint64_t count,
                               bool copy) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (Tag(slots_[at]) != Tag(hash)) continue;
    const size_t place = IndexOf(slots_[at]);
    CountedValue& entry = values_[place];
    if (entry.hash == hash && SameBytes(entry, value)) {
      entry.count += count;
      return place;
    }
  }
  values_.push_back(
      {copy ? CopyBytes(value) : value.data(), hash, count, static_cast<uint32_t>(value.size())});
  slots_[at] = Tag(hash) | values_.size();
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
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t slot = slots_[hashes[i] & mask];
    const bool probable = slot != 0 && Tag(slot) == Tag(hashes[i]);
    entries[i] = probable ? &values_[IndexOf(slot)] : nullptr;
    if (probable) __builtin_prefetch(entries[i], 1);
  }
  for (size_t i = 0; i < count; ++i) {
    if (entries[i] != nullptr) __builtin_prefetch(entries[i]->data);
  }
}

}  // namespace inlay::analysis
