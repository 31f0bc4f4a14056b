// SteadyArray: an array that grows without moving what it holds, so that it never needs room for
// itself twice, as a vector does while it moves to a larger place.
//
// Not thread-safe, but for threads that only read, or change elements of their own.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_STEADY_ARRAY_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_STEADY_ARRAY_H_

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace inlay::analysis {

template <typename T>
class SteadyArray {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    Iterator(const SteadyArray* array, size_t at) : array_(array), at_(at) {}
    const T& operator*() const { return (*array_)[at_]; }
    const T* operator->() const { return &(*array_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++at_;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const SteadyArray* array_ = nullptr;
    size_t at_ = 0;
  };

  SteadyArray() = default;
  SteadyArray(SteadyArray&& other) noexcept
      : chunks_(std::move(other.chunks_)), size_(std::exchange(other.size_, 0)) {}
  SteadyArray& operator=(SteadyArray&& other) noexcept {
    chunks_ = std::move(other.chunks_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  T& operator[](size_t i) { return chunks_[i / kChunk][i % kChunk]; }
  const T& operator[](size_t i) const { return chunks_[i / kChunk][i % kChunk]; }
  const T& back() const { return (*this)[size_ - 1]; }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size_}; }

  // Moves elements only while there are fewer than a chunk's.
  void push_back(const T& element) {
    if (size_ % kChunk == 0) {
      chunks_.emplace_back();
      if (size_ > 0) chunks_.back().reserve(kChunk);
    }
    chunks_.back().push_back(element);
    ++size_;
  }

  void pop_back() {
    chunks_.back().pop_back();
    if (--size_ % kChunk == 0) chunks_.pop_back();
  }

  // Takes over what `other` holds, in no particular order. Moves less than a chunk.
  void Append(SteadyArray&& other) {
    for (; size_ % kChunk != 0 && !other.empty(); other.pop_back()) push_back(other.back());
    chunks_.reserve(chunks_.size() + other.chunks_.size());
    for (std::vector<T>& chunk : other.chunks_) chunks_.push_back(std::move(chunk));
    size_ += std::exchange(other.size_, 0);
    other.chunks_.clear();
  }

 private:
  static constexpr size_t kChunk = 1024;

  std::vector<std::vector<T>> chunks_;  // all but the last one are full
  size_t size_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_STEADY_ARRAY_H_
