// RepeatedKeys: counts the entries of a dump whose key an earlier entry had. bpftool restarts at
// the beginning if its current key is deleted meanwhile.
//
// Keeps 8 bytes for each key, and a sample of the keys beyond its budget. Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_DUMPS_REPEATED_KEYS_H_
#define INLAY_TOOLS_ANALYSIS_DUMPS_REPEATED_KEYS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace inlay::analysis {

class RepeatedKeys {
 public:
  explicit RepeatedKeys(size_t budget_bytes)
      : most_(std::max<size_t>(budget_bytes / sizeof(uint64_t), 1024)) {}

  // One entry, by the hash of its key.
  void Add(uint64_t hash) {
    if (IsKept(hash)) hashes_.push_back(hash);
    while (hashes_.size() > most_ && level_ < 63) {
      ++level_;
      std::erase_if(hashes_, [this](uint64_t kept) { return !IsKept(kept); });
    }
  }

  // Ends the dump: the keys of the next one are separate.
  void EndDump() {
    std::sort(hashes_.begin(), hashes_.end());
    for (size_t i = 1; i < hashes_.size(); ++i) repeated_ += hashes_[i] == hashes_[i - 1] ? 1 : 0;
    is_sample_ |= level_ != 0;
    hashes_.clear();
  }

  // The count of all dumps that have ended.
  uint64_t repeated() const { return repeated_; }
  // Whether repeated() covers only a part of the keys.
  bool is_sample() const { return is_sample_; }

 private:
  bool IsKept(uint64_t hash) const { return level_ == 0 || hash >> (64 - level_) == 0; }

  const size_t most_;
  std::vector<uint64_t> hashes_;
  unsigned level_ = 0;
  uint64_t repeated_ = 0;
  bool is_sample_ = false;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_REPEATED_KEYS_H_
