// How long an index that nobody uses any more takes to come back while connections come and go.

#ifndef INLAY_BENCH_KERNEL_RETURN_UNDER_CHURN_H_
#define INLAY_BENCH_KERNEL_RETURN_UNDER_CHURN_H_

#include <cstddef>
#include <cstdint>

namespace inlay::bench {

struct ReturnUnderChurn {
  double seconds = 0;  // from the close of the last socket with the index
  uint64_t passes = 0;
  uint64_t incomplete = 0;  // of these
  double connections_per_second = 0;
};

// A thread opens 5,000 TCP connections a second over loopback, or as many as this machine makes, in
// a network namespace of their own; `open` of them are open at any time. Meanwhile passes of
// LiveCollector follow each other until the index is free. All functions throw std::system_error or
// std::runtime_error that says what failed, also if it is not free after 60 s. REQUIRES: the
// process is in the cgroup.
ReturnUnderChurn MeasureReturn(size_t open, int cgroup_fd);

// The same while another socket with a value is registered with an io_uring, and closed: passes for
// 5 s, none of which may free anything. Then it is taken out, and its index must come back, for
// which `seconds` counts.
ReturnUnderChurn MeasureReturnOfHidden(size_t open, int cgroup_fd);

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_RETURN_UNDER_CHURN_H_
