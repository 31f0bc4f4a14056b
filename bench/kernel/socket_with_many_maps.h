// SocketsWithManyMaps: UDP sockets with a value in each of sixteen storages and in each of sixteen
// maps of Inlay's, which datagrams find in random order.

#ifndef INLAY_BENCH_KERNEL_SOCKET_WITH_MANY_MAPS_H_
#define INLAY_BENCH_KERNEL_SOCKET_WITH_MANY_MAPS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bench/kernel/loaded_object.h"
#include "bench/kernel/socket_network.h"
#include "bench/kernel/socket_walk.h"
#include "bench/workload/workload.h"
#include "inlay/live_map.h"

namespace inlay::bench {

// The names of programs, each of which is an access.
inline constexpr std::array kManyMapsAccesses = {"touch",       "storage_first", "storage_last",
                                                 "storage_all", "inlay_first",   "inlay_last",
                                                 "inlay_all"};

class SocketsWithManyMaps {
 public:
  // REQUIRES: the process is in the cgroup. All functions throw std::system_error or
  // std::runtime_error that says what failed.
  SocketsWithManyMaps(size_t sockets, int cgroup_fd);
  SocketsWithManyMaps(const SocketsWithManyMaps&) = delete;
  SocketsWithManyMaps& operator=(const SocketsWithManyMaps&) = delete;

  // Nanoseconds of an access, including the cost of reading the clock. Checks that storages and
  // maps give the same sum of values.
  double Take(const std::string& access);

 private:
  uint64_t Visit(const std::string& access);

  const int cgroup_fd_;
  const Workload workload_;
  LoadedObject object_;
  volatile WalkTotals& totals_;
  std::vector<std::unique_ptr<LiveMap>> maps_;
  std::vector<std::unique_ptr<SocketNetwork>> networks_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SOCKET_WITH_MANY_MAPS_H_
