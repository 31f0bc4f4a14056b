// Findings: the counts of a run, and the faults that it has found.
//
// Thread-safety: all functions may run concurrently.

#ifndef INLAY_BENCH_STRESS_FINDINGS_H_
#define INLAY_BENCH_STRESS_FINDINGS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>

#include "bench/stress/track.h"

namespace inlay {

class Findings {
 public:
  void CountOperations(uint64_t count) { operations_.fetch_add(count, std::memory_order_relaxed); }
  void CountAge(Age age) {
    ages_[static_cast<size_t>(age)].fetch_add(1, std::memory_order_relaxed);
  }
  // Prints the first few faults.
  void Wrong(const std::string& what) {
    constexpr uint64_t kPrinted = 10;
    if (wrong_.fetch_add(1, std::memory_order_relaxed) < kPrinted) {
      std::fprintf(stderr, "stress: WRONG: %s\n", what.c_str());
    }
  }
  void Require(bool right, const char* what) {
    if (!right) Wrong(what);
  }

  uint64_t operations() const { return operations_.load(); }
  uint64_t ages(Age age) const { return ages_[static_cast<size_t>(age)].load(); }
  uint64_t wrong() const { return wrong_.load(); }

 private:
  std::atomic<uint64_t> operations_{0};
  std::atomic<uint64_t> wrong_{0};
  std::array<std::atomic<uint64_t>, kAges> ages_ = {};
};

}  // namespace inlay

#endif  // INLAY_BENCH_STRESS_FINDINGS_H_
