// Measures the memory of a layout: Memory/<layout>/sockets:N/values:D/bytes:V, and with M maps on
// each socket MemoryMaps/<layout>/sockets:N/values:D/bytes:V/maps:M. Only the counters matter:
//
//   bytes_per_socket       inline + private + table + index + slack, divided by the sockets:
//                          computed by the rule of memory_usage.h, with the kernel's slab classes.
//                          For peers, the allocator's figure, as in a program
//   heap_bytes_per_socket  growth of the memory from the allocator, and
//   rss_bytes_per_socket   of the resident memory; both plus the inline bytes, which the sockets
//                          have anyway: the check on the figure above
//   inline_bytes, private_bytes, table_bytes   parts of the computed figure, in total
//   bytes_per_map          of MemoryMaps: bytes_per_socket, divided by the maps
//
// Subjects: the layouts and the peers, in sockets with the reservation of their maps; `index9x7`,
// seven maps of 9 bits in sockets that reserve 64 bits, per socket and map; `embedded`, an array of
// InlineWords<16>, whose own bytes are part of the growth.
//
// BreakEven/<other>/sockets:N/bytes:V: the counter distinct_values is the least number of distinct
// values with which `index` needs at least as much as the other layout: see break_even.h.
//
// --inlay_sweep=: base (the usual point, with bars), values, bytes, maps or breakeven.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "bench/layouts/peers.h"
#include "bench/memory/break_even.h"
#include "bench/memory/memory_measurement.h"
#include "bench/program/own_process.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "bench/program/shape_arguments.h"
#include "engine/workload/bar.h"
#include "engine/workload/layouts.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kValues = 500;
constexpr uint32_t kValueBytes = 100;

// Runs measure() once, in a process of its own. Empty on failure, which becomes the benchmark's
// error.
template <typename Measure>
auto MeasureOnce(benchmark::State& state, Measure&& measure) {
  // Google Benchmark may ask for this many iterations.
  constexpr int64_t kEnough = 1'000'000'000;
  std::optional<decltype(measure())> result;
  while (state.KeepRunningBatch(kEnough)) {
    result.emplace();
    if (!RunInOwnProcess(&*result, measure)) {
      state.SkipWithError("the process that measures has failed");
      result.reset();
    } else if (result->error[0] != 0) {
      state.SkipWithError(result->error);
      result.reset();
    }
    if (!result.has_value()) break;
  }
  return result;
}

// Sets the counters from what measure() returns, for so many sockets.
template <typename Measure>
void Report(benchmark::State& state, size_t sockets, bool is_peer, Measure&& measure) {
  const std::optional<Taken> taken = MeasureOnce(state, measure);
  if (!taken.has_value()) return;
  const auto per_socket = [&](double bytes) { return bytes / static_cast<double>(sockets); };
  const MemoryUsage& usage = taken->computed;
  const double heap = per_socket(taken->heap_bytes);
  state.counters["bytes_per_socket"] =
      is_peer ? heap : per_socket(static_cast<double>(usage.total_bytes()));
  state.counters["heap_bytes_per_socket"] = heap;
  state.counters["rss_bytes_per_socket"] = per_socket(taken->resident_bytes);
  state.counters["inline_bytes"] = static_cast<double>(usage.inline_bytes);
  state.counters["private_bytes"] = static_cast<double>(usage.private_bytes);
  state.counters["table_bytes"] = static_cast<double>(usage.table_bytes);
}

template <typename Layout>
constexpr bool kIsPeer = !ValueMap<typename Layout::Map>;

class Registry {
 public:
  explicit Registry(const Results& results) : sockets_(static_cast<size_t>(results.sockets())) {}

  void AddSweep(std::string_view sweep) {
    if (sweep == "base") {
      AddAll(kValues, kValueBytes);
      AddSevenMaps();
      AddEmbedded();
    } else if (sweep == "values") {
      const auto all_different = static_cast<uint32_t>(sockets_);
      for (const uint32_t values : {1U, 10U, 100U, 500U, 5000U, 60000U, all_different}) {
        if (values < sockets_ || values == all_different) AddAll(values, kValueBytes);
      }
    } else if (sweep == "bytes") {
      for (const uint32_t value_bytes : kSizes) AddAll(kValues, value_bytes);
    } else if (sweep == "maps") {
      for (const uint32_t maps : {1U, 2U, 4U, 7U, 8U, 16U}) AddMaps(maps);
    } else {
      AddBreakEvens();
    }
  }

 private:
  static constexpr uint32_t kSizes[] = {8, 16, 64, 88, 100, 224, 1024};

  template <typename Visit>
  static void ForEach(uint32_t value_bytes, Visit&& visit) {
    workload::ForEachLayout(visit);
    ForEachPeer(value_bytes, visit);
  }

  // For sweeps of many measurements.
  size_t fewer_sockets() const { return sockets_ / 5; }

  WorkloadShape Shape(uint32_t values, uint32_t value_bytes) const {
    return {.sockets = sockets_, .values = values, .value_bytes = value_bytes};
  }

  template <typename Run>
  static void AddOne(const std::string& layout, const WorkloadShape& shape, Run&& run) {
    RegisterRun("Memory/" + layout, run)
        ->ArgNames(kShapeArguments)
        ->Args({static_cast<int64_t>(shape.sockets), shape.values, shape.value_bytes});
  }

  void AddAll(uint32_t values, uint32_t value_bytes) const {
    const WorkloadShape shape = Shape(values, value_bytes);
    ForEach(value_bytes, [&]<typename Layout>() {
      AddOne(Layout::kName, shape, [shape](benchmark::State& state) {
        Report(state, shape.sockets, kIsPeer<Layout>,
               [&] { return MeasureMaps<Layout>(shape, Layout::Needs(shape.value_bytes), 1); });
      });
    });
  }

  void AddSevenMaps() const {
    const WorkloadShape shape = Shape(kValues, kValueBytes);
    AddOne("index9x7", shape, [shape](benchmark::State& state) {
      Report(state, shape.sockets * 7, false,
             [&] { return MeasureMaps<workload::Index9Layout>(shape, {.inline_bits = 64}, 7); });
    });
  }

  void AddEmbedded() const {
    const WorkloadShape shape = Shape(kValues, kValueBytes);
    AddOne("embedded", shape, [shape](benchmark::State& state) {
      Report(state, shape.sockets, false, [&] { return MeasureEmbedded(shape); });
    });
  }

  void AddMaps(uint32_t maps) const {
    WorkloadShape shape = Shape(kValues, kValueBytes);
    shape.sockets = fewer_sockets();
    ForEach(kValueBytes, [&]<typename Layout>() {
      const auto run = [shape, maps](benchmark::State& state) {
        Report(state, shape.sockets, kIsPeer<Layout>, [&] {
          return MeasureMaps<Layout>(shape, NeedsOfMaps<Layout>(shape.value_bytes, maps), maps);
        });
        const double bytes = state.counters["bytes_per_socket"];
        state.counters["bytes_per_map"] = bytes / maps;
      };
      RegisterRun(std::string("MemoryMaps/") + Layout::kName, run)
          ->ArgNames({"sockets", "values", "bytes", "maps"})
          ->Args({static_cast<int64_t>(shape.sockets), shape.values, shape.value_bytes, maps});
    });
  }

  void AddBreakEvens() const {
    // With few sockets the table has room for all values; with many, values spill.
    for (const size_t sockets :
         std::set{std::min(fewer_sockets(), size_t{20000}), fewer_sockets()}) {
      for (const uint32_t value_bytes : kSizes) AddBreakEvens(sockets, value_bytes);
    }
    AddBreakEvens(sockets_, kValueBytes);
  }

  static void AddBreakEvens(size_t sockets, uint32_t value_bytes) {
    AddBreakEven<workload::InlineLayout>(sockets, value_bytes);
    AddBreakEven<workload::SharedPointerLayout>(sockets, value_bytes);
  }

  template <typename Other>
  static void AddBreakEven(size_t sockets, uint32_t value_bytes) {
    const auto run = [=](benchmark::State& state) {
      const auto found =
          MeasureOnce(state, [&] { return FindBreakEven<Other>(sockets, value_bytes); });
      if (!found.has_value()) return;
      state.counters["distinct_values"] = static_cast<double>(found->distinct_values);
      state.counters["never"] = found->distinct_values > sockets;
    };
    RegisterRun(std::string("BreakEven/") + Other::kName, run)
        ->ArgNames({"sockets", "bytes"})
        ->Args({static_cast<int64_t>(sockets), value_bytes});
  }

  const size_t sockets_;
};

void AddBars(Results* results) {
  const std::string shape =
      "/sockets:" + std::to_string(results->sockets()) + "/values:500/bytes:100";
  for (const char* figure : {"bytes_per_socket", "rss_bytes_per_socket"}) {
    results->AddBar(workload::Bar::Counter("Memory/index" + shape, figure, 2.3));
    results->AddBar(workload::Bar::Counter("Memory/embedded" + shape, figure, 2.3));
    results->AddBar(workload::Bar::Counter("Memory/index9x7" + shape, figure, 1.4));
  }
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv,
                          {.repetitions = "--benchmark_repetitions=1",
                           .sweeps = {"base", "values", "bytes", "maps", "breakeven"}})) {
    return 1;
  }
  Registry(results).AddSweep(results.sweep());
  if (results.sweep() == "base") AddBars(&results);
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
