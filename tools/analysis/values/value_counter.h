// ValueCounter: counts how often each byte string was added. Exact: equal hashes are confirmed by
// comparing the bytes.
//
// A hash table of 8-byte slots over an array of entries that never move; the bytes of new values
// are copied into large chunks that never move either. Memory: 24 bytes per distinct value and 11
// to 16 for its slot, plus its bytes. Not thread-safe; threads count apart and Absorb() joins them.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_VALUE_COUNTER_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_VALUE_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tools/analysis/values/hash_slots.h"
#include "tools/analysis/values/record_block.h"
#include "tools/analysis/values/steady_array.h"

namespace inlay::analysis {

struct CountedValue {
  const uint8_t* data = nullptr;
  uint64_t count = 0;
  uint32_t length = 0;  // bytes at `data`

  std::span<const uint8_t> bytes() const { return {data, length}; }
};

using CountedValues = SteadyArray<CountedValue>;

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
  // The same for several, with `threads` threads. Keeps no order of values(), and no slots: the
  // next Add() makes them anew, which takes about as long as adding all values again.
  void AbsorbAll(std::span<ValueCounter> others, size_t threads);

  // The distinct values in the order in which they were first added. Valid until the next change;
  // their bytes live as long as the counter that owns them.
  const CountedValues& values() const { return values_; }
  // The bytes of their copies.
  size_t value_bytes() const { return value_bytes_; }

 private:
  static constexpr size_t kBatch = 16;

  // Adds the values value_at(0) .. value_at(size - 1), and calls placed(i, its place in values()).
  template <typename ValueAt, typename Placed>
  void AddMany(size_t size, ValueAt value_at, Placed placed);

  void MakeSlots();
  void JoinSegment(size_t segment, std::span<ValueCounter> others, size_t number,
                   std::vector<size_t>* repeated);
  // Returns the value's place in values_.
  size_t AddHashed(std::span<const uint8_t> value, uint64_t hash, uint64_t count, bool copy);
  const uint8_t* CopyBytes(std::span<const uint8_t> value);
  void PrefetchEntries(const uint64_t* hashes, size_t count) const;

  Bytes bytes_;
  HashSlots slots_;
  bool has_slots_ = true;  // of all values_; else slots_ is empty
  CountedValues values_;
  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  uint8_t* chunk_next_ = nullptr;  // free bytes of the newest chunk
  size_t chunk_left_ = 0;
  size_t value_bytes_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_VALUE_COUNTER_H_
