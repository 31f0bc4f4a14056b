#include "bench/kernel/socket_with_many_maps.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "bench/kernel/many_maps.h"
#include "engine/live_kernel/embedded_object.h"

INLAY_EMBED_OBJECT(inlay_many_maps_object)

namespace inlay::bench {
namespace {

WorkloadShape ShapeOfMany(size_t sockets) {
  WorkloadShape shape;
  shape.sockets = sockets;
  shape.values = 2;  // programs give values, not these
  shape.value_bytes = sizeof(uint64_t);
  return shape;
}

}  // namespace

SocketsWithManyMaps::SocketsWithManyMaps(size_t sockets, int cgroup_fd)
    : cgroup_fd_(cgroup_fd),
      workload_(ShapeOfMany(sockets)),
      object_(inlay_many_maps_object(), "many_maps"),
      totals_(object_.Variables<WalkTotals>()) {
  for (uint32_t map = 0; map < kMaps; ++map) {
    const std::string name = "small" + std::to_string(map);
    if (LiveMap::Open(object_.get(), name, &maps_.emplace_back()) != Status::kOk) {
      throw std::runtime_error("cannot open " + name);
    }
    for (uint32_t index = 1; index <= kManyValues; ++index) {
      const std::array<uint64_t, kManyWords> value = {map * 100 + index};  // NumberOf()
      uint32_t given = 0;
      if (maps_.back()->Intern(std::as_bytes(std::span(value)), &given) != Status::kOk ||
          given != index) {
        throw std::runtime_error("cannot intern a value of " + name);
      }
    }
  }
  const LoadedObject::Link give = object_.Attach("give_all", cgroup_fd_);
  const HeldSockets all = {&workload_, 0, sockets, 0};
  const int unused_map = bpf_object__find_map_fd_by_name(object_.get(), "big0");
  for (size_t at = 0; at < sockets; at += SocketNetwork::kMostSockets) {
    networks_.push_back(
        std::make_unique<SocketNetwork>(all.Part(at, SocketNetwork::kMostSockets), unused_map));
  }
}

uint64_t SocketsWithManyMaps::Visit(const std::string& access) {
  constexpr size_t kUnderWay = 256;  // fewer than net.core.netdev_max_backlog
  constexpr int kTries = 10000;
  const LoadedObject::Link link = object_.Attach(access, cgroup_fd_);
  totals_.read = 0;
  totals_.ns = 0;
  totals_.timed = 0;
  totals_.interrupted = 0;
  size_t sent = 0;
  for (const uint32_t socket : workload_.packet_order()) {
    networks_[socket / SocketNetwork::kMostSockets]->SendTo(socket);
    if (++sent % kUnderWay != 0 && sent != workload_.shape().sockets) continue;
    for (int i = 0; totals_.timed + totals_.interrupted < sent; ++i) {
      if (i == kTries) throw std::runtime_error("datagrams have met no socket");
      std::this_thread::sleep_for(std::chrono::microseconds(i < kTries / 2 ? 0 : 1000));
    }
  }
  return totals_.read;
}

double SocketsWithManyMaps::Take(const std::string& access) {
  const uint64_t read = Visit(access);
  if (totals_.timed == 0) throw std::runtime_error("all accesses were interrupted");
  const double ns = static_cast<double>(totals_.ns) / static_cast<double>(totals_.timed);
  if (access.starts_with("inlay")) {
    const std::string twin = "storage" + access.substr(access.find('_'));
    if (Visit(twin) != read) throw std::runtime_error(access + " and " + twin + " differ");
  }
  return ns;
}

}  // namespace inlay::bench
