// Progress: a line on the terminal with the number of the current run.
//
// Google Benchmark reports a benchmark after its last repetition. Interleaved, all benchmarks have
// their last repetition at the end, minutes later.

#ifndef INLAY_BENCH_PROGRESS_H_
#define INLAY_BENCH_PROGRESS_H_

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

namespace inlay::bench {

// As benchmark::RegisterBenchmark(), but counts the runs. Call it once for each set of arguments.
// `repetitions` 0: the number on the command line.
benchmark::internal::Benchmark* RegisterRun(const std::string& name,
                                            std::function<void(benchmark::State&)> run,
                                            int repetitions = 0);

// From now on it shows runs, if standard error is a terminal. `repetitions` is from the command
// line, or 0 if the number of runs is unknown.
void ShowProgress(int repetitions);
// Removes the line, for other output or at the end.
void ClearProgress();

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PROGRESS_H_
