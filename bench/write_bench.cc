// Measures the cost of a change: <operation>/<layout>/<pattern>/sockets:N/values:D/bytes:V, in
// nanoseconds per packet that makes the change. Operations: Create, Update, UpdateNew, Modify,
// Delete, Clone, Close.
//
// The walk is that of get_bench, so that `touch` can be subtracted: `packet` over all sockets,
// `hot` over few that stay in the cache. write_operation.h has the operations. Close closes the
// socket, which releases its value; its `touch` closes sockets without a map. The timing excludes
// undoing changes, and opening the sockets to close.
//
// Layouts are those of layouts.h, and the peers of peers.h.

#include <benchmark/benchmark.h>

#include <string>

#include "bench/layouts/no_layout.h"
#include "bench/layouts/peers.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "bench/program/shape_arguments.h"
#include "bench/workload/population.h"
#include "bench/write/close_rounds.h"
#include "bench/write/write_operation.h"
#include "bench/write/write_rounds.h"
#include "engine/workload/bar.h"
#include "engine/workload/layouts.h"
#include "engine/workload/packet_walk.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kValues = 500;
constexpr uint32_t kValueBytes = 100;
constexpr int64_t kHotSockets = 1000;

// Times round after round.
template <typename Rounds>
void RunRounds(benchmark::State& state, Rounds& rounds) {
  constexpr size_t kChangesPerBarrier = 500000;
  std::string error;
  if (!rounds.Prepare(&error)) return state.SkipWithError(error.c_str());
  const uint64_t zero = workload::OpaqueZero();
  size_t changes = 0;
  while (state.KeepRunningBatch(static_cast<int64_t>(rounds.changes()))) {
    state.PauseTiming();
    // Bounds the objects that wait for a grace period. Not after every round: it takes
    // milliseconds.
    changes += rounds.changes();
    if (changes >= kChangesPerBarrier) {
      RetireBarrier();
      changes = 0;
    }
    if (!rounds.Next(&error)) return state.SkipWithError(error.c_str());
    Synchronize();  // dead indices become reusable
    state.ResumeTiming();
    benchmark::DoNotOptimize(rounds.Run(zero));
  }
  if (!rounds.Check(&error)) state.SkipWithError(error.c_str());
}

template <typename Operation, typename Layout>
void Change(benchmark::State& state) {
  WriteRounds<Operation, Layout> rounds(SharedPopulation(ShapeOf(state)));
  RunRounds(state, rounds);
  if constexpr (Operation::kNewNumbers && requires { rounds.map()->stats().spilled; }) {
    // If no index is free before a grace period ends, the socket gets a private value.
    if (rounds.map() == nullptr) return;
    state.counters["spilled_per_op"] = benchmark::Counter(
        static_cast<double>(rounds.map()->stats().spilled), benchmark::Counter::kAvgIterations);
  }
}

template <typename Layout>
void Close(benchmark::State& state) {
  CloseRounds<Layout> rounds(ShapeOf(state));
  RunRounds(state, rounds);
}

class Registry {
 public:
  Registry(std::string pattern, int64_t sockets)
      : pattern_(std::move(pattern)), sockets_(sockets) {}

  void AddAll() {
    AddOperation<Create>();
    AddOperation<Update>();
    AddOperation<UpdateNew>();
    AddOperation<Modify>();
    AddOperation<Delete>();
    AddOperation<Clone>();
    Add("Close", "touch", Close<NoLayout>);
    ForEach([&]<typename Layout>() { Add("Close", Layout::kName, Close<Layout>); });
  }

 private:
  template <typename Visit>
  static void ForEach(Visit&& visit) {
    workload::ForEachLayout(visit);
    workload::ForEachOf<Peers<kValueBytes>>(visit);
  }

  template <typename Operation>
  void AddOperation() {
    Add(Operation::kName, "touch", Change<Operation, NoLayout>);
    ForEach([&]<typename Layout>() {
      Add(Operation::kName, Layout::kName, Change<Operation, Layout>);
    });
  }

  void Add(const std::string& operation, const std::string& layout,
           void (*run)(benchmark::State&)) {
    RegisterRun(operation + "/" + layout + "/" + pattern_, run)
        ->ArgNames(kShapeArguments)
        ->Args({sockets_, kValues, kValueBytes});
  }

  const std::string pattern_;
  const int64_t sockets_;
};

void AddBars(Results* results) {
  const std::string cold =
      "/packet/sockets:" + std::to_string(results->sockets()) + "/values:500/bytes:100";
  const std::string hot = "/hot/sockets:1000/values:500/bytes:100";
  const auto index_over = [&](const std::string& operation, const std::string& layout,
                              double limit) {
    results->AddBar(workload::Bar::OverTouch(operation + "/index" + cold,
                                             operation + "/" + layout + cold,
                                             operation + "/touch" + cold, limit));
    results->AddBar(
        workload::Bar::AtMost(operation + "/index" + hot, operation + "/" + layout + hot, limit));
  };
  index_over("Create", "pointer", 1.0 / 3);
  for (const std::string& sizes : {cold, hot}) {  // in total time, as a user of either sees it
    results->AddBar(workload::Bar::AtMost("Create/index" + sizes, "Create/flyweight" + sizes, 1));
  }
  results->AddBar(workload::Bar::AtMost("UpdateNew/index" + hot, "UpdateNew/flyweight" + hot, 1));
  index_over("Clone", "pointer", 0.1);
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=3"})) return 1;
  Registry("packet", results.sockets()).AddAll();
  Registry("hot", kHotSockets).AddAll();
  AddBars(&results);
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
