// DistinctValues: values of one size side by side, each once, numbered from 0 in the order in which
// they came.

#ifndef INLAY_ENGINE_SNAPSHOTS_DISTINCT_VALUES_H_
#define INLAY_ENGINE_SNAPSHOTS_DISTINCT_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/table/hash.h"

namespace inlay {

// Throws std::bad_alloc; then nothing was added.
class DistinctValues {
 public:
  explicit DistinctValues(uint32_t value_bytes) : value_bytes_(value_bytes), seed_(RandomSeed()) {}

  // The number of the value, which is added if it is new. REQUIRES: its size is that of all.
  uint32_t Number(std::span<const std::byte> value) {
    if (3 * (hashes_.size() + 1) > 2 * slots_.size()) Grow();
    const uint32_t hash = HashValue(value, seed_);
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
      const uint32_t number = slots_[at] - 1;
      if (hashes_[number] == hash && std::memcmp(bytes_.data() + size_t{number} * value_bytes_,
                                                 value.data(), value_bytes_) == 0) {
        return number;
      }
    }
    bytes_.resize(hashes_.size() * value_bytes_);  // as before a value that found no memory
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    hashes_.push_back(hash);
    slots_[at] = static_cast<uint32_t>(hashes_.size());
    return slots_[at] - 1;
  }

  size_t count() const { return hashes_.size(); }
  std::span<const std::byte> bytes() const {
    return {bytes_.data(), hashes_.size() * value_bytes_};
  }

 private:
  void Grow() {
    std::vector<uint32_t> grown(slots_.empty() ? 64 : 2 * slots_.size());
    for (size_t number = 0; number < hashes_.size(); ++number) {
      size_t at = hashes_[number] & (grown.size() - 1);
      while (grown[at] != 0) at = (at + 1) & (grown.size() - 1);
      grown[at] = static_cast<uint32_t>(number + 1);
    }
    slots_.swap(grown);
  }

  const uint32_t value_bytes_;
  const uint64_t seed_;
  std::vector<std::byte> bytes_;
  std::vector<uint32_t> hashes_;  // by number
  std::vector<uint32_t> slots_;   // a number and 1; 0: empty
};

}  // namespace inlay

#endif  // INLAY_ENGINE_SNAPSHOTS_DISTINCT_VALUES_H_
