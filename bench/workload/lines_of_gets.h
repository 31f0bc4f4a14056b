// The cache lines that gets load, counted over the packets of a population.

#ifndef INLAY_BENCH_LINES_OF_GETS_H_
#define INLAY_BENCH_LINES_OF_GETS_H_

#include <algorithm>
#include <concepts>
#include <cstddef>

#include "bench/workload/population.h"
#include "engine/workload/line_count.h"
#include "inlay/rcu.h"

namespace inlay::bench {

// A layout that tells which memory a get loads.
template <typename Layout>
concept TellsLines = requires(const typename Layout::Map& map, const Socket& socket,
                              workload::LineCount* lines) {
  Layout::Touch(map, socket, lines);
};

struct LinesPerGet {
  double own = 0;     // lines that belong to the socket alone
  double shared = 0;  // lines that sockets share
};

// Means over the first packets. `Touched`: the memory that the packet has touched before the get
// (packet_walk.h). REQUIRES: every socket has a value, and has been read once.
template <typename Touched, TellsLines Layout>
LinesPerGet CountLinesPerGet(const typename Layout::Map& map, const Population& population) {
  constexpr size_t kPackets = 1000;
  const size_t packets = std::min(kPackets, population.packet_order().size());
  workload::LineCount lines;
  const ReadSection section;
  for (const Socket* const socket : population.packet_order().first(packets)) {
    lines.NextPacket();
    Touched::Count(*socket, &lines);
    Layout::Touch(map, *socket, &lines);
  }
  const auto count = static_cast<double>(packets);
  return {static_cast<double>(lines.own()) / count, static_cast<double>(lines.shared()) / count};
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_LINES_OF_GETS_H_
