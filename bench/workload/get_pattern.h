// The patterns of get_bench: the order of visits, the memory that a packet has touched before the
// get, and the part of the value that a get reads.

#ifndef INLAY_BENCH_GET_PATTERN_H_
#define INLAY_BENCH_GET_PATTERN_H_

#include <cstddef>
#include <cstdint>

#include "bench/workload/population.h"
#include "bench/workload/workload.h"
#include "engine/workload/packet_walk.h"

namespace inlay::bench {

// The order of visits. Each takes `steps` steps, a multiple of kBatch, from where the last call on
// the population stopped: these sockets have been out of the cache for longest.
template <typename TouchedType>
struct OneByOne {
  using Touched = TouchedType;
  template <typename Get>
  [[gnu::always_inline]] static uint64_t Take(Population& population, size_t steps, uint64_t zero,
                                              Get&& get) {
    return workload::PacketWalk<Touched>(&population.walk_position(), steps, zero, get);
  }
};
struct Untouched {
  using Touched = workload::TouchedNothing;
  template <typename Get>
  [[gnu::always_inline]] static uint64_t Take(Population& population, size_t steps, uint64_t zero,
                                              Get&& get) {
    return workload::UntouchedWalk(population.packet_order(), &population.order_position(), steps,
                                   zero, get);
  }
};
struct Batched {
  using Touched = workload::TouchedHeader;
  template <typename Get>
  [[gnu::always_inline]] static uint64_t Take(Population& population, size_t steps, uint64_t zero,
                                              Get&& get) {
    return TakeAll(population, steps, zero,
                   [&](std::span<Socket* const, workload::kBatch> sockets) {
                     uint64_t sum = 0;
                     for (Socket* const socket : sockets) sum += get(*socket);
                     return sum;
                   });
  }
  // For readers that get the values of a whole batch at once.
  template <typename GetAll>
  [[gnu::always_inline]] static uint64_t TakeAll(Population& population, size_t steps,
                                                 uint64_t zero, GetAll&& get_all) {
    return workload::BatchWalk(population.packet_order(), &population.order_position(),
                               steps / workload::kBatch, zero, get_all);
  }
};

// The part of a value that is read.
struct OneField {
  static uint64_t Read(const void* value, size_t /*value_bytes*/) {
    return workload::ReadField(value);
  }
};
struct WholeValue {
  static uint64_t Read(const void* value, size_t value_bytes) {
    return workload::ReadWhole(value, value_bytes);
  }
};

template <typename WalkType, typename ReadType, Draw kDrawn = Draw::kUniform>
struct PatternOf {
  using Walk = WalkType;
  using Read = ReadType;
  static constexpr Draw kDraw = kDrawn;
};

// Over all sockets, in random order.
struct Packet : PatternOf<OneByOne<workload::TouchedHeader>, OneField> {
  static constexpr char kName[] = "packet";
};
struct PacketWhole : PatternOf<OneByOne<workload::TouchedHeader>, WholeValue> {
  static constexpr char kName[] = "packet_whole";
};
struct PacketTail : PatternOf<OneByOne<workload::TouchedHeaderAndTail>, OneField> {
  static constexpr char kName[] = "packet_tail";
};
struct PacketNothing : PatternOf<Untouched, OneField> {
  static constexpr char kName[] = "packet_nothing";
};
struct PacketZipf : PatternOf<OneByOne<workload::TouchedHeader>, OneField, Draw::kZipf> {
  static constexpr char kName[] = "packet_zipf";
};
struct Batch : PatternOf<Batched, OneField> {
  static constexpr char kName[] = "batch";
};
// Over so few sockets that they stay in the second-level cache.
struct Hot : PatternOf<OneByOne<workload::TouchedHeader>, OneField> {
  static constexpr char kName[] = "hot";
};
struct HotWhole : PatternOf<OneByOne<workload::TouchedHeader>, WholeValue> {
  static constexpr char kName[] = "hot_whole";
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_GET_PATTERN_H_
