#include "bench/kernel/census_cost.h"

#include <fcntl.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/kernel/connection_rate.h"
#include "bench/kernel/connections.h"
#include "bench/kernel/socket_network.h"
#include "bench/workload/workload.h"
#include "engine/live_kernel/hidden_fd.h"
#include "inlay/live_collector.h"
#include "inlay/live_map.h"

namespace inlay::bench {
namespace {

using live_kernel::HiddenFd;

// Of all threads: a census has one of its own.
double CpuSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// One pass over all namespaces, which must be complete and meet all sockets.
LiveCollector::Report Collect(LiveCollector& collector, size_t sockets) {
  LiveCollector::Report report;
  if (collector.Collect(&report) != Status::kOk || !report.complete) {
    throw std::runtime_error("the census is not complete: " + report.reason);
  }
  const auto& users = report.maps.at(0).users;
  const auto met = std::accumulate(users.begin(), users.end(), uint64_t{0});
  if (met < sockets) {
    throw std::runtime_error("the census met " + std::to_string(met) + " sockets with a value");
  }
  return report;
}

}  // namespace

CensusCost MeasureCensus(size_t sockets, int cgroup_fd) {
  const ConnectionRate programs(cgroup_fd);
  const LoadedObject::Link create = programs.object().Attach("create_inlay", cgroup_fd);
  WorkloadShape shape;
  shape.sockets = sockets;
  shape.values = 2;  // programs give values, not these
  shape.value_bytes = sizeof(uint64_t);
  const Workload workload(shape);
  const HeldSockets all = {&workload, 0, sockets, 0};
  const int unused_map =
      bpf_object__find_map_fd_by_name(programs.object().get(), "connection_storage");
  std::vector<std::unique_ptr<SocketNetwork>> networks;
  std::vector<HiddenFd> namespaces;
  LiveCollector::Options options;
  for (size_t at = 0; at < sockets; at += SocketNetwork::kMostSockets) {
    networks.push_back(
        std::make_unique<SocketNetwork>(all.Part(at, SocketNetwork::kMostSockets), unused_map));
    namespaces.emplace_back(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC),
                            "cannot open a network namespace");
    options.only_namespaces.push_back(namespaces.back().get());
  }
  std::unique_ptr<LiveMap> map;
  std::unique_ptr<LiveCollector> collector;
  if (LiveMap::Open(programs.object().get(), "connection_inlay", &map) != Status::kOk ||
      LiveCollector::Create({map.get()}, options, &collector) != Status::kOk) {
    throw std::runtime_error("cannot make a collector");
  }
  Collect(*collector, sockets);  // makes room for so many sockets
  const double cpu_before = CpuSeconds();
  const auto begin = std::chrono::steady_clock::now();
  Collect(*collector, sockets);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {CpuSeconds() - cpu_before, wall.count()};
}

}  // namespace inlay::bench
