// Results: runs the registered benchmarks and prints a table of all runs
// with ratios within the run, the context that the numbers mean nothing without, and the bars.

#ifndef INLAY_BENCH_RESULT_TABLE_H_
#define INLAY_BENCH_RESULT_TABLE_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bench/bar.h"

namespace inlay::bench {

class Results {
 public:
  // Takes Google Benchmark's flags and ours. With --benchmark_format=json or csv that is all that
  // is printed, without a table and bars; --benchmark_out=FILE keeps both.
  //   --inlay_sockets=N    sockets of the large runs (500000)
  //   --inlay_check_bars   exit with 1 if a bar is not met or was not measured
  // False, with a message on stderr, if the command line is wrong.
  bool Initialize(int argc, char** argv, const char* repetitions = "--benchmark_repetitions=11");

  int64_t sockets() const { return sockets_; }
  void AddBar(const Bar& bar) { bars_.push_back(bar); }

  // Runs everything and returns the program's exit code.
  int Run();

 private:
  int64_t sockets_ = 500000;
  bool check_bars_ = false;
  bool machine_readable_ = false;
  std::vector<Bar> bars_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_RESULT_TABLE_H_
