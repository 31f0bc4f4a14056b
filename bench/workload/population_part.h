// PopulationPart: the sockets of a population that one of several threads uses.

#ifndef INLAY_BENCH_POPULATION_PART_H_
#define INLAY_BENCH_POPULATION_PART_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bench/workload/population.h"
#include "engine/workload/packet_walk.h"
#include "inlay/emulated/socket.h"

namespace inlay::bench {

// Not thread-safe; parts are independent.
class alignas(64) PopulationPart {
 public:
  // Part number `number` of `parts`.
  PopulationPart(Population& population, size_t number, size_t parts)
      : population_(population),
        sockets_(population.sockets() / parts),
        first_(number * sockets_) {}

  size_t sockets() const { return sockets_; }
  Socket& socket(size_t at) const { return *population_.packet_order()[first_ + at]; }
  uint32_t value_number(size_t at) const {
    return population_.workload().values_in_packet_order()[first_ + at];
  }

  // Takes `steps` steps of a PacketWalk() that goes on where the last one stopped.
  template <typename Get>
  uint64_t Walk(size_t steps, uint64_t zero, Get&& get) {
    uint64_t sum = 0;
    while (steps > 0) {
      Socket* at = &socket(position_);
      const size_t now = std::min(steps, sockets_ - position_);
      sum += workload::PacketWalk(&at, now, zero, get);
      position_ = position_ + now == sockets_ ? 0 : position_ + now;
      steps -= now;
    }
    return sum;
  }

 private:
  Population& population_;
  const size_t sockets_;
  const size_t first_;
  size_t position_ = 0;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_POPULATION_PART_H_
