// What does a layout take? Memory/<layout>/sockets:N/values:D/bytes:V. The time is of no interest;
// the counters are:
//
//   bytes_per_socket   inline + private + table + index + slack, divided by the sockets
//   inline_bytes, private_bytes, table_bytes   the parts, in total (see memory_usage.h)
//   rss_bytes_per_socket   what the process grew by, as the system counts it, plus the inline bytes,
//                      which the sockets have anyway: the check on the figures above
//
// Layouts: those of the other benchmarks, in sockets that reserve what one map needs; `index9x7`, seven maps
// of 9 bits in sockets that reserve 64 bits, per socket and map; `embedded`, an array of
// InlineWords<16>, whose own bytes are part of the growth.

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bench/layouts.h"
#include "bench/population.h"
#include "bench/result_table.h"
#include "bench/shape_arguments.h"

namespace inlay::bench {
namespace {

// Bytes of memory that this process has in use.
double ResidentBytes() {
  RetireBarrier();
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  size_t size_pages = 0;
  size_t resident_pages = 0;
  statm >> size_pages >> resident_pages;
  return static_cast<double>(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void Report(benchmark::State& state, const MemoryUsage& usage, double grown_bytes, double owners) {
  state.counters["bytes_per_socket"] = static_cast<double>(usage.total_bytes()) / owners;
  state.counters["inline_bytes"] = static_cast<double>(usage.inline_bytes);
  state.counters["private_bytes"] = static_cast<double>(usage.private_bytes);
  state.counters["table_bytes"] = static_cast<double>(usage.table_bytes);
  state.counters["rss_bytes_per_socket"] = grown_bytes / owners;
}

// `maps` maps of a layout over sockets that reserve so much.
template <typename Layout>
void Measure(benchmark::State& state, Reservation reservation, size_t maps) {
  Population population(ShapeOf(state), reservation);
  std::string error;
  for (auto _ : state) {
    const double before_bytes = ResidentBytes();
    std::vector<std::unique_ptr<typename Layout::Map>> all;
    MemoryUsage usage;
    for (size_t i = 0; i < maps; ++i) {
      all.push_back(MakeMap<Layout>(population, &error));
      if (all.back() == nullptr || !Fill(*all.back(), population, &error) ||
          !MatchesModel<Layout>(*all.back(), population, true, &error)) {
        state.SkipWithError(error.c_str());
        return;
      }
    }
    for (const auto& map : all) usage += map->memory_usage();
    // What the slabs hold beyond their objects belongs to nobody's map, but is paid for.
    usage.slack_bytes += population.table().private_usage().slack_bytes;
    const double grown_bytes =
        ResidentBytes() - before_bytes + static_cast<double>(usage.inline_bytes);
    Report(state, usage, grown_bytes, static_cast<double>(population.sockets() * maps));
  }
}

// What an embedder pays whose objects have room for 16 bits and nothing else of ours.
void MeasureEmbedded(benchmark::State& state) {
  const Workload workload(ShapeOf(state));
  const size_t owners = workload.shape().sockets;
  for (auto _ : state) {
    const double before_bytes = ResidentBytes();
    std::unique_ptr<Store> store;
    std::unique_ptr<IndexMap> map;
    MapOptions options;
    options.value_bytes = workload.shape().value_bytes;
    if (Store::Create({.reserved_bits = 16}, &store) != Status::kOk ||
        IndexMap::Create(*store, options, &map) != Status::kOk) {
      state.SkipWithError("cannot create the map");
      return;
    }
    std::vector<InlineWords<16>> words(owners);
    for (size_t i = 0; i < owners; ++i) {
      if (map->Update(words[i], workload.bytes_of_socket(i), UpdateFlag::kAny) == Status::kOk)
        continue;
      state.SkipWithError("cannot fill the map");
      return;
    }
    MemoryUsage usage = map->memory_usage();
    usage.inline_bytes = owners * sizeof(InlineWords<16>);
    Report(state, usage, ResidentBytes() - before_bytes, static_cast<double>(owners));
  }
}

template <typename Add>
void Register(const std::string& layout, int64_t sockets, Add&& run) {
  benchmark::RegisterBenchmark(("Memory/" + layout).c_str(), run)
      ->ArgNames(kShapeArguments)
      ->Args({sockets, 500, 100})
      ->Unit(benchmark::kNanosecond);
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv)) return 1;
  const int64_t sockets = results.sockets();
  ForEachLayout([&]<typename Layout>() {
    Register(Layout::kName, sockets, [](benchmark::State& state) {
      Measure<Layout>(state, Layout::Needs(ShapeOf(state).value_bytes), 1);
    });
  });
  Register("index9x7", sockets,
           [](benchmark::State& state) { Measure<Index9Layout>(state, {.inline_bits = 64}, 7); });
  Register("embedded", sockets, MeasureEmbedded);
  const std::string shape = "/sockets:" + std::to_string(sockets) + "/values:500/bytes:100";
  for (const char* figure : {"bytes_per_socket", "rss_bytes_per_socket"}) {
    results.AddBar(Bar::Counter("Memory/index" + shape, figure, 2.3));
    results.AddBar(Bar::Counter("Memory/embedded" + shape, figure, 2.3));
    results.AddBar(Bar::Counter("Memory/index9x7" + shape, figure, 1.4));
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
