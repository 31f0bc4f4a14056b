// Results: runs the registered benchmarks and prints a table of all runs with ratios within the
// run, the context (machine, compiler, commit) and the bars.

#ifndef INLAY_BENCH_RESULT_TABLE_H_
#define INLAY_BENCH_RESULT_TABLE_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/program/run_context.h"
#include "engine/workload/bar.h"

namespace inlay::bench {

// The properties of a program.
struct Program {
  const char* repetitions = "--benchmark_repetitions=11";  // the command line overrides it
  // The values of --inlay_sweep: each is a question with its own points. The first is the default.
  std::vector<std::string_view> sweeps = {};
};

class Results {
 public:
  // Takes Google Benchmark's flags and ours. With --benchmark_format=json or csv it prints that
  // format only, without a table and bars; --benchmark_out=FILE keeps both.
  //   --inlay_sockets=N    sockets of the large runs (500000)
  //   --inlay_sweep=NAME   the sweep to run, in programs with a choice
  //   --inlay_check_bars   exit with 1 if a bar is not met or was not measured
  // False, with a message on stderr, if the command line is wrong.
  bool Initialize(int argc, char** argv, const Program& program = {});

  int64_t sockets() const { return sockets_; }
  std::string_view sweep() const { return sweep_; }
  void AddBar(const workload::Bar& bar) { bars_.push_back(bar); }

  // Runs everything and returns the program's exit code.
  int Run();

 private:
  bool TakeFlag(std::string_view argument, const Program& program, bool* wrong);

  int64_t sockets_ = 500000;
  std::string sweep_;
  bool check_bars_ = false;
  bool machine_readable_ = false;
  int repetitions_ = 0;
  RunContext context_;
  std::vector<workload::Bar> bars_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_RESULT_TABLE_H_
