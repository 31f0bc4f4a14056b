// The cost of a census: what a pass of LiveCollector takes that meets so many sockets.

#ifndef INLAY_BENCH_KERNEL_CENSUS_COST_H_
#define INLAY_BENCH_KERNEL_CENSUS_COST_H_

#include <cstddef>

namespace inlay::bench {

struct CensusCost {
  double cpu_seconds = 0;
  double wall_seconds = 0;
};

// Opens UDP sockets in network namespaces of their own, each with one of 500 values, and takes a
// census of them, which must meet each of them. REQUIRES: the process is in the cgroup. Throws
// std::system_error or std::runtime_error that says what failed.
CensusCost MeasureCensus(size_t sockets, int cgroup_fd);

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_CENSUS_COST_H_
