// ValueCounter: counts how often each byte string was added. Exact: equal hashes are confirmed by
// comparing the bytes.
//
// An open-addressing hash table of 8-byte slots over a dense array of entries; the bytes of new
// values are copied into large chunks that never move. Memory: about 48 bytes per distinct value
// plus its bytes. Not thread-safe; threads count apart and Absorb() joins them.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_VALUE_COUNTER_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_VALUE_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tools/analysis/values/record_block.h"

namespace inlay::analysis {

struct CountedValue {
  const uint8_t* data = nullptr;
  uint64_t hash = 0;
  uint64_t count = 0;
  uint32_t length = 0;  // bytes at `data`

  std::span<const uint8_t> bytes() const { return {data, length}; }
};

class ValueCounter {
 public:
  enum class Bytes {
    kCopy,    // the counter keeps its own copy of every distinct value
    kBorrow,  // the caller keeps the bytes alive and in place as long as the counter lives
  };

  explicit ValueCounter(Bytes bytes = Bytes::kCopy);
  ValueCounter(ValueCounter&&) = default;
  ValueCounter& operator=(ValueCounter&&) = default;

  // Tells values apart before their bytes are compared. The same in every process.
  static uint64_t HashOf(std::span<const uint8_t> value);

  // Counts one more occurrence of `value`. REQUIRES: shorter than 4 GiB.
  void Add(std::span<const uint8_t> value) { AddCounted(value, HashOf(value), 1); }
  // Counts `count` more. REQUIRES: hash == HashOf(value).
  void AddCounted(std::span<const uint8_t> value, uint64_t hash, uint64_t count);

  // Counts every record of `block`: the same as Add() for each, but the memory accesses of
  // neighbouring records overlap. REQUIRES: !block.has_copies().
  void AddBlock(const RecordBlock& block);

  // The same for a list of values. Stores each one's place in values() to places[i], if given.
  // REQUIRES then: fewer than 2^32 distinct values.
  void AddValues(std::span<const std::span<const uint8_t>> values, uint32_t* places = nullptr);

  // Adds all that `other` counted, and takes over its bytes.
  void Absorb(ValueCounter&& other);

  // The distinct values in the order in which they were first added. Valid until the next change;
  // their bytes live as long as the counter that owns them.
  const std::vector<CountedValue>& values() const { return values_; }
  // The bytes of the copies of values().
  size_t value_bytes() const { return value_bytes_; }

 private:
  static constexpr size_t kBatch = 16;
  static constexpr unsigned kTagBits = 24;

  // Slot: the top kTagBits of the hash, then 1 + the index in values_; 0 is an empty slot.
  static uint64_t Tag(uint64_t hash) { return hash & ~(~uint64_t{0} >> kTagBits); }
  static size_t IndexOf(uint64_t slot) {
    return static_cast<size_t>(slot & (~uint64_t{0} >> kTagBits)) - 1;
  }

  // Adds the values value_at(0) .. value_at(size - 1), and calls placed(i, its place in values()).
  template <typename ValueAt, typename Placed>
  void AddMany(size_t size, ValueAt value_at, Placed placed);

  void MakeRoom(size_t more);
  // Returns the value's place in values_.
  size_t AddHashed(std::span<const uint8_t> value, uint64_t hash, uint64_t count, bool copy);
  const uint8_t* CopyBytes(std::span<const uint8_t> value);
  void PrefetchEntries(const uint64_t* hashes, size_t count) const;

  Bytes bytes_;
  std::vector<uint64_t> slots_;  // a power of two, at most half full
  std::vector<CountedValue> values_;
  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  uint8_t* chunk_next_ = nullptr;  // free bytes of the newest chunk
  size_t chunk_left_ = 0;
  size_t value_bytes_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_VALUE_COUNTER_H_
