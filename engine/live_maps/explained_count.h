// Whether what the kernel counts in a network namespace is explained by sockets that are known to
// have been there. docs/bpf.md has the argument.

#ifndef INLAY_ENGINE_LIVE_MAPS_EXPLAINED_COUNT_H_
#define INLAY_ENGINE_LIVE_MAPS_EXPLAINED_COUNT_H_

#include <cstdint>
#include <limits>
#include <span>

namespace inlay {

// `sockets: used`, read between two times of CLOCK_MONOTONIC.
struct UsedReading {
  uint64_t begin_ns;
  uint64_t end_ns;
  uint64_t sockets;
};

uint64_t MonotonicNs();

// A socket that was there at both times, and so all the time between them.
struct KnownLife {
  static constexpr uint64_t kBefore = 0;  // all readings
  static constexpr uint64_t kAfter = std::numeric_limits<uint64_t>::max();

  uint64_t from_ns;
  uint64_t to_ns;
};

struct Explanation {
  // At a moment there were no other sockets than those that stayed, and those whose known lives
  // include it.
  bool is_complete = false;
  // The fewest that a reading has counted beyond those; 0 also if there was no reading to use.
  uint64_t fewest_others = 0;
};

// `stayed`: how many were there during all readings; their lives are not among `lives`.
Explanation ExplainCount(std::span<const UsedReading> readings, uint64_t stayed,
                         std::span<const KnownLife> lives);

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_EXPLAINED_COUNT_H_
