// KernelSockets: a workload's sockets in the running kernel, in network namespaces of their own,
// with their values, and the walks over them.

#ifndef INLAY_BENCH_KERNEL_KERNEL_SOCKETS_H_
#define INLAY_BENCH_KERNEL_KERNEL_SOCKETS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/kernel/accesses.h"
#include "bench/kernel/loaded_programs.h"
#include "bench/kernel/socket_network.h"
#include "bench/workload/workload.h"

namespace inlay::bench {

class KernelSockets {
 public:
  // Opens `sockets` sockets, numbered from `first_number` on, gives them values and marks, and
  // checks with a walk of each kind that every socket has all bytes of its value in both places.
  // REQUIRES: the process is in the cgroup, where walks attach their programs. Leaves the process
  // in one of the sockets' network namespaces. `programs` must outlive this. All functions throw
  // std::system_error or std::runtime_error with the failed step.
  KernelSockets(LoadedPrograms& programs, int cgroup_fd, size_t sockets, uint32_t first_number);
  KernelSockets(const KernelSockets&) = delete;
  KernelSockets& operator=(const KernelSockets&) = delete;

  size_t sockets() const { return workload_.shape().sockets; }

  struct WalkTime {
    double ns_per_socket;  // includes the cost of reading the clock
    double interrupted;    // share of the accesses; ns_per_socket leaves them out
  };
  // Visits every socket: `packet` in random order, small populations several times. Checks that the
  // walk visited every socket, and that the sum of its reads is the workload's.
  WalkTime Take(Walk walk, Access access);

  // The cost of giving the values. Slab bytes: the growth of the slab caches meanwhile.
  double store_ns_per_socket() const { return store_ns_; }
  double mark_ns_per_socket() const { return mark_ns_; }
  double slab_page_bytes_per_socket() const { return slab_page_bytes_; }
  double slab_object_bytes_per_socket() const { return slab_object_bytes_; }

 private:
  void OpenSockets();
  void StoreValues();
  void Check(Walk walk);
  // Each round visits every socket once.
  WalkTotals RunWalk(Walk walk, int program_fd, size_t rounds);
  void SendToAll(size_t already_met);
  void AwaitMet(size_t met) const;
  size_t Met() const;
  double PerSocket(uint64_t of_all) const;
  uint64_t ExpectedRead(Access access) const;

  LoadedPrograms& programs_;
  const int cgroup_fd_;
  const uint32_t first_number_;
  const Workload workload_;
  std::vector<std::unique_ptr<SocketNetwork>> networks_;  // kMostSockets each, and the rest
  double store_ns_ = 0;
  double mark_ns_ = 0;
  double slab_page_bytes_ = 0;
  double slab_object_bytes_ = 0;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_KERNEL_SOCKETS_H_
