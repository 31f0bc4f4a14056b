#include "bench/program/progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

namespace inlay::bench {
namespace {

using Clock = std::chrono::steady_clock;

// One registered benchmark.
struct Registered {
  std::string name;
  int repetitions = 0;
  benchmark::IterationCount iterations = 0;  // of the last run
  int done = 0;                              // runs with that many
};

// Benchmarks run one after the other, from one thread.
struct Progress {
  std::vector<std::unique_ptr<Registered>> all;
  bool shown = false;
  int repetitions = 0;
  Clock::time_point start;
};

Progress& TheProgress() {
  static Progress progress;
  return progress;
}

// Called before a run.
void Count(Registered* registered, const benchmark::State& state) {
  // Google Benchmark makes shorter runs first, to find out how many iterations are enough.
  if (registered->iterations != state.max_iterations) registered->done = 0;
  registered->iterations = state.max_iterations;
  const Progress& progress = TheProgress();
  if (progress.shown) {
    int done = 0;
    int total = 0;
    for (const auto& each : progress.all) {
      done += each->done;
      total += each->repetitions > 0 ? each->repetitions : progress.repetitions;
    }
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - progress.start).count();
    std::fprintf(stderr, "\r\033[K[%d", done + 1);
    if (progress.repetitions > 0) std::fprintf(stderr, "/%d", total);
    std::fprintf(stderr, ", %d s] %.60s", static_cast<int>(seconds), registered->name.c_str());
    std::fflush(stderr);
  }
  ++registered->done;
}

}  // namespace

benchmark::internal::Benchmark* RegisterRun(const std::string& name,
                                            std::function<void(benchmark::State&)> run,
                                            int repetitions) {
  Registered* const registered =
      TheProgress()
          .all.emplace_back(std::make_unique<Registered>(Registered{name, repetitions}))
          .get();
  benchmark::internal::Benchmark* const added = benchmark::RegisterBenchmark(
      name.c_str(), [registered, run = std::move(run)](benchmark::State& state) {
        Count(registered, state);
        run(state);
      });
  return repetitions > 0 ? added->Repetitions(repetitions) : added;
}

void ShowProgress(int repetitions) {
  Progress& progress = TheProgress();
  progress.shown = isatty(STDERR_FILENO) != 0;
  progress.repetitions = repetitions;
  progress.start = Clock::now();
}

void ClearProgress() {
  if (TheProgress().shown) std::fprintf(stderr, "\r\033[K");
}

}  // namespace inlay::bench
