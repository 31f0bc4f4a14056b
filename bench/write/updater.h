// Updater: a writer that never pauses, for measurements of readers beside it.

#ifndef INLAY_BENCH_UPDATER_H_
#define INLAY_BENCH_UPDATER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/layouts/has_value.h"
#include "bench/workload/population_part.h"
#include "bench/workload/workload.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay::bench {

// Gives the sockets of a part other values of the workload, again and again. One thread runs it,
// another one watches and stops it.
template <typename Map>
class Updater {
 public:
  Updater(Map& map, const Workload& workload, const PopulationPart& part)
      : map_(map), workload_(workload), part_(part) {
    for (size_t at = 0; at < part.sockets(); ++at) numbers_.push_back(part.value_number(at));
  }

  // Updates until another thread calls Stop().
  void Run() {
    while (!stopped_.load(std::memory_order_relaxed)) {
      uint32_t& number = numbers_[position_];
      number = number + 1 == workload_.shape().values ? 0 : number + 1;
      const Status status =
          map_.Update(part_.socket(position_), workload_.value(number), UpdateFlag::kExist);
      failures_ += status != Status::kOk;
      position_ = position_ + 1 == part_.sockets() ? 0 : position_ + 1;
      updates_.store(updates_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }
  void Stop() { stopped_.store(true, std::memory_order_relaxed); }
  uint64_t updates() const { return updates_.load(std::memory_order_relaxed); }

  // Whether all updates succeeded, and every socket has its last value.
  template <typename Layout>
  bool Check() const {
    const ReadSection section;
    for (size_t at = 0; at < part_.sockets(); ++at) {
      const std::span<const std::byte> expected = workload_.value(numbers_[at]);
      if (!HasValue<Layout>(map_, part_.socket(at), expected)) return false;
    }
    return failures_ == 0;
  }

 private:
  Map& map_;
  const Workload& workload_;
  const PopulationPart part_;
  std::vector<uint32_t> numbers_;  // value numbers by socket
  size_t position_ = 0;
  uint64_t failures_ = 0;
  alignas(64) std::atomic<uint64_t> updates_{0};
  alignas(64) std::atomic<bool> stopped_{false};
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_UPDATER_H_
