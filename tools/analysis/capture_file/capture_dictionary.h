// CaptureDictionary: the values of a capture by their numbers. Some values may be lost.
//
// Not thread-safe: one caller at a time. The bytes of values stay in place as long as it lives.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_DICTIONARY_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_DICTIONARY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tools/analysis/capture_file/capture_format.h"

namespace inlay::analysis {

class CaptureDictionary {
 public:
  // `number` is that of the dictionary in its capture.
  explicit CaptureDictionary(uint32_t number) : number_(number) {}
  CaptureDictionary(const CaptureDictionary&) = delete;
  CaptureDictionary& operator=(const CaptureDictionary&) = delete;

  uint32_t number() const { return number_; }

  // Adds the values that `payload` has from `begin` on, numbered from `first` on. Returns false,
  // and adds nothing, unless the numbers are above all present ones and the values keep the limits
  // of capture_format.h. REQUIRES: the values are whole.
  bool Add(uint64_t first, std::vector<uint8_t> payload, size_t begin, uint64_t value_bytes) {
    const uint64_t bytes = payload.size() - begin;
    const uint64_t end = first + bytes / value_bytes;
    if (first < end_ || end > kMaxCaptureDictionaryValues ||
        bytes_ + bytes > kMaxCaptureDictionaryBytes) {
      return false;
    }
    payloads_.push_back(std::move(payload));
    const uint8_t* value = payloads_.back().data() + begin;
    // Uses chunks, so that lost values before these take no memory.
    chunks_.resize((end - 1) / kChunkValues + 1);
    for (uint64_t i = first; i < end; ++i, value += value_bytes) {
      std::unique_ptr<Chunk>& chunk = chunks_[i / kChunkValues];
      if (chunk == nullptr) chunk = std::make_unique<Chunk>();
      (*chunk)[i % kChunkValues] = value;
    }
    bytes_ += bytes;
    end_ = end;
    return true;
  }

  // Null if there is no such value.
  const uint8_t* Find(uint32_t index) const {
    const size_t chunk = index / kChunkValues;
    if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) return nullptr;
    return (*chunks_[chunk])[index % kChunkValues];
  }

 private:
  static constexpr size_t kChunkValues = 1024;
  using Chunk = std::array<const uint8_t*, kChunkValues>;

  const uint32_t number_;
  std::vector<std::vector<uint8_t>> payloads_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  uint64_t end_ = 0;    // above all numbers
  uint64_t bytes_ = 0;  // of all values
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_DICTIONARY_H_
