// MemoryShare: a part of a budget of memory. A part may grow beyond its fair share while the other
// parts leave room, so an uneven distribution of work among threads does no harm.
//
// Thread-safe: each thread has a share of its own.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_MEMORY_SHARE_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_MEMORY_SHARE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace inlay::analysis {

class MemoryShare {
 public:
  static constexpr size_t kUnbounded = SIZE_MAX;

  // A budget for one part alone.
  explicit MemoryShare(size_t bytes) : total_bytes_(bytes), fair_bytes_(bytes) {}

  // `count` shares of one budget. REQUIRES: count > 0.
  static std::vector<MemoryShare> Split(size_t bytes, size_t count) {
    const auto used = std::make_shared<std::atomic<size_t>>(0);
    std::vector<MemoryShare> shares(count, MemoryShare(bytes));
    for (MemoryShare& share : shares) {
      share.all_used_ = used;
      if (bytes != kUnbounded) share.fair_bytes_ = bytes / count;
    }
    return shares;
  }

  // Whether this part may take `used_bytes`. It may not if it is above its fair share and all parts
  // together are above the budget; so all of them never take twice the budget.
  bool Fits(size_t used_bytes) {
    if (total_bytes_ == kUnbounded) return true;
    if (all_used_ == nullptr) return used_bytes <= total_bytes_;
    const size_t before = std::exchange(used_bytes_, used_bytes);
    // Unsigned numbers wrap: the difference may be negative.
    const size_t all =
        all_used_->fetch_add(used_bytes - before, std::memory_order_relaxed) + used_bytes - before;
    return used_bytes <= fair_bytes_ || all <= total_bytes_;
  }

  size_t total_bytes() const { return total_bytes_; }

 private:
  size_t total_bytes_;
  size_t fair_bytes_;
  std::shared_ptr<std::atomic<size_t>> all_used_;  // by all parts; null: this is the only part
  size_t used_bytes_ = 0;                          // by this part, as all_used_ has it
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_MEMORY_SHARE_H_
