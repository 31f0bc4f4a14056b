// Fills maps, and computes and measures the memory that they take. Run each measurement in a
// process of its own (own_process.h).

#ifndef INLAY_BENCH_MEMORY_MEASUREMENT_H_
#define INLAY_BENCH_MEMORY_MEASUREMENT_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/layouts/has_value.h"
#include "bench/memory/process_memory.h"
#include "bench/workload/population.h"
#include "bench/workload/workload.h"
#include "engine/workload/layouts.h"
#include "inlay/index_map.h"
#include "inlay/inline_words.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay::bench {

// The result of a measurement.
struct Taken {
  MemoryUsage computed;
  double heap_bytes = 0;
  double resident_bytes = 0;
  char error[128] = {};  // not empty: the measurement failed

  static Taken Failed(const std::string& error) {
    Taken taken;
    std::snprintf(taken.error, sizeof(taken.error), "%s", error.c_str());
    return taken;
  }
};

// The growth since `before`, plus the `inline_bytes` that the owners had already.
inline Taken Since(const ProcessMemory& before, const MemoryUsage& computed, size_t inline_bytes) {
  const ProcessMemory after = ProcessMemory::Now();
  const auto inside = static_cast<double>(inline_bytes);
  return {.computed = computed,
          .heap_bytes = after.heap_bytes - before.heap_bytes + inside,
          .resident_bytes = after.resident_bytes - before.resident_bytes + inside};
}

// Gives the sockets the workload's values in turn, so that every value is used if there are enough
// sockets, and checks them. Returns an error message, or an empty string.
template <typename Layout>
std::string FillInTurn(typename Layout::Map& map, Population& population) {
  const Workload& workload = population.workload();
  const auto value_of = [&](size_t socket) {
    return workload.value(static_cast<uint32_t>(socket % workload.shape().values));
  };
  for (size_t i = 0; i < population.sockets(); ++i) {
    const Status status = map.Update(population.socket(i), value_of(i), UpdateFlag::kNoExist);
    if (status != Status::kOk) return "cannot fill the map: " + std::string(StatusName(status));
  }
  const ReadSection section;
  for (size_t i = 0; i < population.sockets(); ++i) {
    if (HasValue<Layout>(map, population.socket(i), value_of(i))) continue;
    return "socket " + std::to_string(i) + " does not have the value that it was given";
  }
  return "";
}

// Measures `maps` maps of a layout over sockets with this reservation. It frees nothing, because
// the process ends.
template <typename Layout>
Taken MeasureMaps(const WorkloadShape& shape, workload::Reservation reservation, size_t maps) {
  auto& population = *new Population(shape, reservation);
  const ProcessMemory before = ProcessMemory::Now();
  MemoryUsage usage;
  std::vector<typename Layout::Map*> all;
  for (size_t i = 0; i < maps; ++i) {
    std::string error;
    all.push_back(MakeMap<Layout>(population, &error).release());
    if (all.back() == nullptr) return Taken::Failed(error);
    error = FillInTurn<Layout>(*all.back(), population);
    if (!error.empty()) return Taken::Failed(error);
  }
  for (const auto* const map : all) usage += map->memory_usage();
  // The slabs' slack belongs to no map, but takes memory.
  usage.slack_bytes += population.table().private_usage().slack_bytes;
  return Since(before, usage, usage.inline_bytes);
}

// The cost for an embedder whose objects hold 16 bits.
inline Taken MeasureEmbedded(const WorkloadShape& shape) {
  const Workload workload(shape);
  const ProcessMemory before = ProcessMemory::Now();
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  MapOptions options;
  options.value_bytes = shape.value_bytes;
  if (Store::Create({.reserved_bits = 16}, &store) != Status::kOk ||
      IndexMap::Create(*store, options, &map) != Status::kOk) {
    return Taken::Failed("cannot create the map");
  }
  std::vector<InlineWords<16>> words(shape.sockets);
  for (size_t i = 0; i < words.size(); ++i) {
    const Status status = map->Update(words[i], workload.bytes_of_socket(i), UpdateFlag::kAny);
    if (status != Status::kOk) return Taken::Failed("cannot fill the map");
  }
  MemoryUsage usage = map->memory_usage();
  usage.inline_bytes = words.size() * sizeof(words[0]);
  return Since(before, usage, 0);
}

// The reservation of a socket for `maps` maps: fields do not straddle words of 64 bits.
template <typename Layout>
workload::Reservation NeedsOfMaps(uint32_t value_bytes, uint32_t maps) {
  workload::Reservation needs = Layout::Needs(value_bytes);
  needs.tail_bytes *= maps;
  if (needs.inline_bits == 0) return needs;
  constexpr uint32_t kWordBits = Socket::Words::kWordBits;
  const uint32_t bits = maps * Layout::kWidthBits;
  const uint32_t fields_per_word = kWordBits / Layout::kWidthBits;
  needs.inline_bits = bits <= 16   ? 16
                      : bits <= 32 ? 32
                                   : (maps + fields_per_word - 1) / fields_per_word * kWordBits;
  return needs;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_MEMORY_MEASUREMENT_H_
