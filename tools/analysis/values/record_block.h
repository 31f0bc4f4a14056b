// RecordBlock: a run of consecutive records and the buffer that holds their bytes.
//
// A reader fills it, a consumer walks it, and the same block is filled again, so that a stream of
// any length costs one buffer per thread. Not thread-safe: one block belongs to one thread at a
// time.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_RECORD_BLOCK_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_RECORD_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace inlay::analysis {

class RecordBlock {
 public:
  // The number of records.
  size_t size() const { return stride_bytes_ != 0 ? stride_count_ : records_.size(); }

  // The value of record `i`, 0 <= i < size(). Valid until the block is filled again.
  std::span<const uint8_t> operator[](size_t i) const {
    if (stride_bytes_ != 0) return {buffer_.data() + i * stride_bytes_, stride_bytes_};
    const Place& place = records_[i];
    return {buffer_.data() + place.offset, place.length};
  }

  // How many records of the input record `i` stands for: 1, except in sources that were asked to
  // count equal values together.
  uint64_t copies(size_t i) const { return copies_.empty() ? 1 : copies_[i]; }
  bool has_copies() const { return !copies_.empty(); }
  // The records of the input that the block stands for.
  uint64_t input_records() const {
    return copies_.empty() ? size() : std::accumulate(copies_.begin(), copies_.end(), uint64_t{0});
  }

  // The place of this block in the stream, counted from 0. Readers set it for every call, even a
  // failed one. Of errors from several threads, it tells which one is first in the input.
  uint64_t sequence() const { return sequence_; }

  // --- for readers

  void set_sequence(uint64_t sequence) { sequence_ = sequence; }

  // Forgets the records; the buffer keeps its bytes.
  void ClearRecords() {
    stride_bytes_ = 0;
    stride_count_ = 0;
    records_.clear();
    copies_.clear();
  }

  // The bytes that records point into. Growing it keeps offsets valid and moves addresses.
  std::vector<uint8_t>& buffer() { return buffer_; }

  // Declares that the buffer starts with `count` records of `value_bytes` > 0 bytes each.
  void SetStride(size_t value_bytes, size_t count) {
    stride_bytes_ = value_bytes;
    stride_count_ = count;
  }

  // Declares how many input records each record stands for.
  void SetCopies(std::vector<uint64_t> copies) { copies_ = std::move(copies); }

  // Adds a record whose value is buffer()[offset, offset + length).
  void AddRecord(size_t offset, size_t length) {
    records_.push_back({static_cast<uint32_t>(offset), static_cast<uint32_t>(length)});
  }

 private:
  struct Place {
    uint32_t offset;
    uint32_t length;
  };

  std::vector<uint8_t> buffer_;
  std::vector<Place> records_;    // empty when a stride describes the records
  std::vector<uint64_t> copies_;  // empty: each stands for itself
  size_t stride_bytes_ = 0;
  size_t stride_count_ = 0;
  uint64_t sequence_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_RECORD_BLOCK_H_
