// StressOptions: how long a run of stress is, and what it does.

#ifndef INLAY_BENCH_STRESS_STRESS_OPTIONS_H_
#define INLAY_BENCH_STRESS_STRESS_OPTIONS_H_

#include <cstdint>

namespace inlay {

struct StressOptions {
  uint64_t seed = 1;
  uint64_t steps = 0;  // of each thread; 0: until the time is over
  double seconds = 0;
  unsigned threads = 3;
  bool forks = false;
};

}  // namespace inlay

#endif  // INLAY_BENCH_STRESS_STRESS_OPTIONS_H_
