// Measures whether two threads do twice as much as one: Scaling/<layout>/<mix>/readers:R/writers:W,
// in nanoseconds of real time per operation of all threads together. Perfect scaling takes half the
// time of one thread.
//
// Each thread has its own sockets; threads share the map and its values. Mixes:
//
//   get                      gets, in sockets that stay in the cache: the figure is the cost of
//                            shared lines, if a get writes to any
//   get_hot_value            the same, where all sockets have one value
//   get_packet               the same as get over all --inlay_sockets, out of the cache
//   get_with_writer          gets, while a writer updates its own sockets without a pause; the
//                            time is per get, and a counter has the updates
//   create_delete            creates and deletes of values: each thread gives all its sockets
//                            values, takes them away, and starts again. Other sockets hold the same
//                            values throughout
//   create_delete_hot_value  the same with one value
//
// `touch` is the get mixes without a get. Peers are those that several threads may use.
//
// quiet_ns_per_op is the time of the round at the tenth percentile; rounds take tenths of
// milliseconds. When other programs take one of the processors now and then, the mean says little
// about two threads, while this figure is from rounds in which both ran. Bars use it.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bench/layouts/has_value.h"
#include "bench/layouts/peers.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "bench/program/second_thread.h"
#include "bench/workload/population.h"
#include "bench/workload/population_part.h"
#include "bench/workload/workload.h"
#include "bench/write/updater.h"
#include "engine/workload/bar.h"
#include "engine/workload/layouts.h"
#include "engine/workload/packet_walk.h"
#include "inlay/rcu.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kValues = 500;
constexpr uint32_t kValueBytes = 100;
constexpr size_t kHotSocketsPerThread = 500;

using ScalingLayouts =
    std::tuple<workload::PointerLayout, workload::InlineLayout, workload::SharedPointerLayout,
               workload::IndexLayout, workload::Index9Layout>;

// A map filled with the values of the workload and checked. Null, with *error set, on failure.
template <typename Layout>
std::unique_ptr<typename Layout::Map> MakeFilledMap(Population& population, std::string* error) {
  auto map = MakeMap<Layout>(population, error);
  const bool filled = map != nullptr && Fill(*map, population, error) &&
                      MatchesModel<Layout>(*map, population, true, error);
  return filled ? std::move(map) : nullptr;
}

// Calls work(0), and with two threads work(1) on the second at the same time. Each call makes
// `operations` operations. One call before the timing warms up.
template <typename Work>
void RunTogether(benchmark::State& state, size_t threads, size_t operations, Work&& work) {
  using Clock = std::chrono::steady_clock;
  std::optional<SecondThread> second;
  if (threads == 2) second.emplace();
  const auto work_of_second = [&] { work(1); };
  const SecondThread::Work started(work_of_second);
  const auto run = [&] {
    if (second.has_value()) second->Start(&started);
    work(0);
    if (second.has_value()) second->Wait();
  };
  run();
  std::vector<Clock::duration> rounds;
  while (state.KeepRunningBatch(static_cast<int64_t>(threads * operations))) {
    const Clock::time_point start = Clock::now();
    run();
    rounds.push_back(Clock::now() - start);
  }
  const auto quiet = rounds.begin() + static_cast<ptrdiff_t>(rounds.size() / 10);
  std::nth_element(rounds.begin(), quiet, rounds.end());
  state.counters["quiet_ns_per_op"] = std::chrono::duration<double, std::nano>(*quiet).count() /
                                      static_cast<double>(threads * operations);
}

// Gets of one round of a thread: about a tenth of a millisecond.
size_t GetsPerRound(const Population& population) {
  return population.sockets() == 2 * kHotSocketsPerThread ? 8192 : 512;
}

template <typename Get>
void RunGets(benchmark::State& state, Population& population, Get&& get) {
  PopulationPart parts[] = {PopulationPart(population, 0, 2), PopulationPart(population, 1, 2)};
  const uint64_t zero = workload::OpaqueZero();
  const size_t gets = GetsPerRound(population);
  RunTogether(state, static_cast<size_t>(state.range(0)), gets, [&](size_t thread) {
    // Keep the memory that a get reads off the cache lines that the other thread writes: not on its
    // stack.
    const auto own_get = get;
    const ReadSection section;
    benchmark::DoNotOptimize(parts[thread].Walk(gets, zero, own_get));
  });
}

void Touches(benchmark::State& state, const WorkloadShape& shape) {
  RunGets(state, SharedPopulation(shape), [](const Socket& /*socket*/) { return uint64_t{0}; });
}

template <typename Layout>
void Gets(benchmark::State& state, const WorkloadShape& shape) {
  Population& population = SharedPopulation(shape);
  std::string error;
  const auto map = MakeFilledMap<Layout>(population, &error);
  if (map == nullptr) return state.SkipWithError(error.c_str());
  RunGets(state, population, [map = map.get()](const Socket& socket) {
    return Layout::Read(*map, socket, workload::ReadField);
  });
}

template <typename Layout>
void GetsWithWriter(benchmark::State& state, const WorkloadShape& shape) {
  Population& population = SharedPopulation(shape);
  std::string error;
  const auto map = MakeFilledMap<Layout>(population, &error);
  if (map == nullptr) return state.SkipWithError(error.c_str());
  PopulationPart readers(population, 0, 2);
  Updater updater(*map, population.workload(), PopulationPart(population, 1, 2));
  const auto update = [&] { updater.Run(); };
  const SecondThread::Work work(update);
  SecondThread writer;
  writer.Start(&work);
  while (updater.updates() == 0) {  // wait until the writer runs
  }
  const uint64_t zero = workload::OpaqueZero();
  const uint64_t before = updater.updates();
  const size_t gets = GetsPerRound(population);
  while (state.KeepRunningBatch(static_cast<int64_t>(gets))) {
    const ReadSection section;
    benchmark::DoNotOptimize(readers.Walk(gets, zero, [&](const Socket& socket) {
      return Layout::Read(*map, socket, workload::ReadField);
    }));
  }
  state.counters["updates_per_get"] = benchmark::Counter(
      static_cast<double>(updater.updates() - before), benchmark::Counter::kAvgIterations);
  updater.Stop();
  writer.Wait();
  if (!updater.template Check<Layout>()) state.SkipWithError("an update failed or was lost");
}

// Change all sockets of a part, and return the number of failed operations.
template <typename Map>
size_t CreateAll(Map& map, const Workload& workload, const PopulationPart& part) {
  size_t failures = 0;
  for (size_t at = 0; at < part.sockets(); ++at) {
    const std::span<const std::byte> value = workload.value(part.value_number(at));
    failures += map.Update(part.socket(at), value, UpdateFlag::kNoExist) != Status::kOk;
  }
  return failures;
}
template <typename Map>
size_t DeleteAll(Map& map, const PopulationPart& part) {
  size_t failures = 0;
  for (size_t at = 0; at < part.sockets(); ++at) {
    failures += map.Delete(part.socket(at)) != Status::kOk;
  }
  return failures;
}
// Each thread has a part of the sockets: see RunGets().
template <typename Map>
[[gnu::noinline]] size_t CreateAndDelete(Map& map, const Workload& workload, PopulationPart part,
                                         size_t passes) {
  size_t failures = 0;
  for (size_t pass = 0; pass < passes; ++pass) {
    failures += CreateAll(map, workload, part) + DeleteAll(map, part);
  }
  return failures;
}

template <typename Layout>
void CreatesAndDeletes(benchmark::State& state, const WorkloadShape& shape) {
  constexpr size_t kPassesPerRound = 2;
  Population& population = SharedPopulation(shape);
  const Workload& workload = population.workload();
  std::string error;
  const auto map = MakeFilledMap<Layout>(population, &error);
  if (map == nullptr) return state.SkipWithError(error.c_str());
  const PopulationPart parts[] = {PopulationPart(population, 0, 3),
                                  PopulationPart(population, 1, 3)};
  // The sockets of the third part hold every value throughout.
  const PopulationPart holders(population, 2, 3);
  std::atomic<size_t> failures{0};
  for (size_t at = 0; at < holders.sockets(); ++at) {
    const auto number = static_cast<uint32_t>(at % shape.values);
    failures +=
        map->Update(holders.socket(at), workload.value(number), UpdateFlag::kAny) != Status::kOk;
  }
  for (const PopulationPart& part : parts) failures += DeleteAll(*map, part);
  RunTogether(state, static_cast<size_t>(state.range(1)), kPassesPerRound * 2 * parts[0].sockets(),
              [&](size_t thread) {
                failures += CreateAndDelete(*map, workload, parts[thread], kPassesPerRound);
              });
  for (const PopulationPart& part : parts) failures += CreateAll(*map, workload, part);
  const ReadSection section;
  for (const PopulationPart& part : parts) {
    for (size_t at = 0; at < part.sockets(); ++at) {
      const std::span<const std::byte> expected = workload.value(part.value_number(at));
      failures += !HasValue<Layout>(*map, part.socket(at), expected);
    }
  }
  if (failures > 0) state.SkipWithError("a create or delete failed, or a value was lost");
}

class Registry {
 public:
  explicit Registry(const Results& results) : sockets_(static_cast<size_t>(results.sockets())) {}

  void AddAll() {
    const WorkloadShape hot = Shape(2 * kHotSocketsPerThread, kValues);
    const WorkloadShape hot_value = Shape(2 * kHotSocketsPerThread, 1);
    // A third part of the sockets holds the values meanwhile.
    const WorkloadShape written = Shape(3 * kHotSocketsPerThread, kValues);
    const WorkloadShape written_hot_value = Shape(3 * kHotSocketsPerThread, 1);
    for (const int64_t threads : {1, 2}) {
      AddGets("get", hot, threads);
      AddGets("get_hot_value", hot_value, threads);
      AddGets("get_packet", Shape(sockets_, kValues), threads);
    }
    ForEach([&]<typename Layout>() {
      Add(Layout::kName, "get_with_writer", 1, 1, GetsWithWriter<Layout>, hot);
      for (const int64_t threads : {1, 2}) {
        constexpr auto* kRun = CreatesAndDeletes<Layout>;
        Add(Layout::kName, "create_delete", 0, threads, kRun, written);
        Add(Layout::kName, "create_delete_hot_value", 0, threads, kRun, written_hot_value);
      }
    });
  }

 private:
  using RunFn = void (*)(benchmark::State& state, const WorkloadShape& shape);

  static WorkloadShape Shape(size_t sockets, uint32_t values) {
    return {.sockets = sockets, .values = values, .value_bytes = kValueBytes};
  }

  template <typename Visit>
  static void ForEach(Visit&& visit) {
    workload::ForEachOf<ScalingLayouts>(visit);
    workload::ForEachOf<Peers<kValueBytes>>([&]<typename Peer>() {
      if constexpr (Peer::kThreads != PeerThreads::kOne) visit.template operator()<Peer>();
    });
  }

  static void AddGets(const std::string& mix, const WorkloadShape& shape, int64_t threads) {
    Add("touch", mix, threads, 0, Touches, shape);
    ForEach([&]<typename Layout>() { Add(Layout::kName, mix, threads, 0, Gets<Layout>, shape); });
  }

  static void Add(const std::string& layout, const std::string& mix, int64_t readers,
                  int64_t writers, RunFn run, const WorkloadShape& shape) {
    RegisterRun("Scaling/" + layout + "/" + mix,
                [=](benchmark::State& state) { run(state, shape); })
        ->ArgNames({"readers", "writers"})
        ->Args({readers, writers});
  }

  const size_t sockets_;
};

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=3"})) return 1;
  Registry(results).AddAll();
  const std::string index = "Scaling/index/";
  const std::string quiet = ":quiet_ns_per_op";
  for (const char* const mix : {"get", "get_hot_value", "get_packet"}) {
    results.AddBar(workload::Bar::AtMost(index + mix + "/readers:2/writers:0" + quiet,
                                         index + mix + "/readers:1/writers:0" + quiet, 1 / 1.9));
  }
  for (const char* const mix : {"create_delete", "create_delete_hot_value"}) {
    results.AddBar(workload::Bar::AtMost(index + mix + "/readers:0/writers:2" + quiet,
                                         index + mix + "/readers:0/writers:1" + quiet, 1 / 1.8));
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
