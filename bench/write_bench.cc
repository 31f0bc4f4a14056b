// What does a change cost?
// {Create,Update,Delete,Clone}/<layout>/<pattern>/sockets:N/values:D/bytes:V, in nanoseconds per
// packet that makes the change.
//
// The walk is that of get_bench, so that `touch` can be subtracted. Create gives an absent socket
// its value, which is interned already; Update replaces a value by another interned one; Delete
// removes it; Clone copies a listener's value to a new socket. Each round changes every socket
// once; what must be undone before the next round is outside the timing.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/layouts.h"
#include "bench/packet_walk.h"
#include "bench/population.h"
#include "bench/result_table.h"
#include "bench/shape_arguments.h"

namespace inlay::bench {
namespace {

constexpr size_t kChangesPerBarrier = 500000;

// The operations. Each says which state a round starts from, and what it does to the n-th packet's
// socket. `round` counts from 0.
struct Create {
  static constexpr char kName[] = "Create";
  static constexpr bool kStartsPresent = false;
  static constexpr bool kEndsPresent = true;
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket&, std::span<const std::byte> value) {
    return map.Update(socket, value, UpdateFlag::kNoExist);
  }
};

struct Update {
  static constexpr char kName[] = "Update";
  static constexpr bool kStartsPresent = true;
  static constexpr bool kEndsPresent = true;
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket&, std::span<const std::byte> value) {
    return map.Update(socket, value, UpdateFlag::kExist);
  }
};

struct Delete {
  static constexpr char kName[] = "Delete";
  static constexpr bool kStartsPresent = true;
  static constexpr bool kEndsPresent = false;
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket&, std::span<const std::byte>) {
    return map.Delete(socket);
  }
};

struct Clone {
  static constexpr char kName[] = "Clone";
  static constexpr bool kStartsPresent = false;
  static constexpr bool kEndsPresent = true;
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket& listener, std::span<const std::byte>) {
    return map.Clone(listener, socket);
  }
};

template <typename Map>
bool SetAll(Map& map, Population& population, bool present, std::string* error) {
  if (present) return Fill(map, population, error);
  for (size_t i = 0; i < population.sockets(); ++i) {
    const Status status = map.Delete(population.socket(i));
    if (status == Status::kOk || status == Status::kNotFound) continue;
    *error = "cannot empty the map: " + std::string(StatusName(status));
    return false;
  }
  return true;
}

template <typename Operation, typename Layout>
void Change(benchmark::State& state) {
  Population& population = SharedPopulation(ShapeOf(state));
  const Workload& workload = population.workload();
  std::string error;
  const auto map = MakeMap<Layout>(population, &error);
  Socket* listener = nullptr;
  int listener_fd = -1;
  // Filled once whatever the operation starts from, so that every value is interned before the
  // timing.
  bool ready = map != nullptr && Fill(*map, population, &error) &&
               MatchesModel<Layout>(*map, population, true, &error) &&
               population.table().Open(SocketFamily::kTcp, &listener_fd) == Status::kOk;
  {
    const ReadSection section;  // the open descriptor holds the listener from here on
    ready = ready && population.table().Find(listener_fd, &listener) == Status::kOk &&
            map->Update(*listener, workload.value(0), UpdateFlag::kAny) == Status::kOk;
  }
  if (!ready) {
    state.SkipWithError(error.empty() ? "cannot open a listener" : error.c_str());
    return;
  }
  const uint64_t zero = OpaqueZero();
  const size_t sockets = population.sockets();
  const uint32_t values = workload.shape().values;
  size_t failures = 0;
  size_t changes = 0;
  Socket* at = &population.first();
  for (uint32_t round = 0; state.KeepRunningBatch(static_cast<int64_t>(sockets)); ++round) {
    state.PauseTiming();
    ready = SetAll(*map, population, Operation::kStartsPresent, &error);
    // Now and then, so that what waits for a grace period does not pile up; it takes milliseconds.
    changes += sockets;
    if (changes >= kChangesPerBarrier) {
      RetireBarrier();
      changes = 0;
    }
    state.ResumeTiming();
    const uint32_t* number = workload.values_in_packet_order().data();
    benchmark::DoNotOptimize(PacketWalk(&at, sockets, zero, [&](Socket& socket) {
      // Another value each round: the one that comes `round` places after the workload's.
      const uint32_t value = (*number++ + round) % values;
      const Status status = Operation::Run(*map, socket, *listener, workload.value(value));
      failures += status != Status::kOk;
      return static_cast<uint64_t>(ToErrno(status));
    }));
  }
  if (!ready || failures > 0) state.SkipWithError("an operation failed while it was measured");
  const ReadSection section;
  const bool wrong = (map->Get(population.first()) != nullptr) != Operation::kEndsPresent;
  if (wrong) state.SkipWithError("the operation did not do what it says");
  if (population.table().Close(listener_fd) != Status::kOk) state.SkipWithError("listener is gone");
}

void Touch(benchmark::State& state) {
  Population& population = SharedPopulation(ShapeOf(state));
  Socket* at = &population.first();
  const uint64_t zero = OpaqueZero();
  while (state.KeepRunningBatch(static_cast<int64_t>(population.sockets()))) {
    benchmark::DoNotOptimize(
        PacketWalk(&at, population.sockets(), zero, [](Socket&) { return uint64_t{0}; }));
  }
}

template <typename Operation>
void Register(const std::string& pattern, int64_t sockets) {
  const auto add = [&](const std::string& layout, void (*run)(benchmark::State&)) {
    const std::string name = std::string(Operation::kName) + "/" + layout + "/" + pattern;
    benchmark::RegisterBenchmark(name.c_str(), run)
        ->ArgNames(kShapeArguments)
        ->Args({sockets, 500, 100});
  };
  add("touch", Touch);
  ForEachLayout([&]<typename Layout>() { add(Layout::kName, Change<Operation, Layout>); });
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv)) return 1;
  const int64_t sockets = results.sockets();
  for (const auto& [pattern, count] :
       {std::pair<std::string, int64_t>{"packet", sockets}, {"hot", int64_t{1000}}}) {
    Register<Create>(pattern, count);
    Register<Update>(pattern, count);
    Register<Delete>(pattern, count);
    Register<Clone>(pattern, count);
  }
  const std::string cold = "/packet/sockets:" + std::to_string(sockets) + "/values:500/bytes:100";
  const std::string hot = "/hot/sockets:1000/values:500/bytes:100";
  results.AddBar(Bar::OverTouch("Create/index" + cold, "Create/pointer" + cold,
                                "Create/touch" + cold, 1.0 / 3));
  results.AddBar(Bar::AtMost("Create/index" + hot, "Create/pointer" + hot, 1.0 / 3));
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
