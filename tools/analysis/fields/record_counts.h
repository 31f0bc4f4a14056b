// RecordCounts: how many records hold each value, a byte for each. Nearly all counts are small.
//
// Not thread-safe, but for threads that only read.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_RECORD_COUNTS_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_RECORD_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <unordered_map>
#include <vector>

namespace inlay::analysis {

class RecordCounts {
 public:
  RecordCounts() = default;
  RecordCounts(std::initializer_list<uint64_t> counts) {
    for (const uint64_t count : counts) push_back(count);
  }

  size_t size() const { return small_.size(); }
  uint64_t back() const { return (*this)[size() - 1]; }
  bool operator==(const RecordCounts& other) const = default;
  uint64_t operator[](size_t value) const {
    return small_[value] != kLarge ? small_[value] : large_.at(value);
  }

  void reserve(size_t values) { small_.reserve(values); }
  void push_back(uint64_t count) {
    small_.push_back(0);
    Set(small_.size() - 1, count);
  }
  // All values get the same count.
  void assign(size_t values, uint64_t count) {
    small_.clear();
    large_.clear();
    small_.reserve(values);
    for (size_t value = 0; value < values; ++value) push_back(count);
  }
  void Add(size_t value, uint64_t more) { Set(value, (*this)[value] + more); }

 private:
  static constexpr uint8_t kLarge = UINT8_MAX;

  void Set(size_t value, uint64_t count) {
    if (count >= kLarge) large_[value] = count;
    small_[value] = count < kLarge ? static_cast<uint8_t>(count) : kLarge;
  }

  std::vector<uint8_t> small_;
  std::unordered_map<size_t, uint64_t> large_;  // of values whose byte is kLarge
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_RECORD_COUNTS_H_
