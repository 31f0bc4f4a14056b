// OneWriter: a number that threads change in turn, under a lock, and that any thread may read at
// any time without it. Costs what a plain number costs.

#ifndef INLAY_ENGINE_SYNC_ONE_WRITER_H_
#define INLAY_ENGINE_SYNC_ONE_WRITER_H_

#include <atomic>

namespace inlay {

// Thread-safety: one thread at a time changes it. Readers see each number whole, and in no order
// with other memory.
template <typename Number>
class OneWriter {
 public:
  constexpr OneWriter() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): used as a number
  constexpr OneWriter(Number value) : value_(value) {}
  constexpr OneWriter(const OneWriter& other) : value_(other.load()) {}
  OneWriter& operator=(const OneWriter& other) {
    value_.store(other.load(), std::memory_order_relaxed);
    return *this;
  }
  OneWriter& operator=(Number value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

  Number load() const { return value_.load(std::memory_order_relaxed); }
  // NOLINTNEXTLINE(google-explicit-constructor): likewise
  operator Number() const { return load(); }

  OneWriter& operator+=(Number more) {
    *this = static_cast<Number>(load() + more);
    return *this;
  }
  OneWriter& operator-=(Number less) {
    *this = static_cast<Number>(load() - less);
    return *this;
  }
  OneWriter& operator++() { return *this += 1; }
  OneWriter& operator--() { return *this -= 1; }

 private:
  std::atomic<Number> value_{0};
};

}  // namespace inlay

#endif  // INLAY_ENGINE_SYNC_ONE_WRITER_H_
