#include "bench/workload/population.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "bench/layouts/peers.h"

namespace inlay::bench {
namespace {

[[noreturn]] void Die(const char* what, Status status) {
  std::fprintf(stderr, "bench: cannot %s: %s\n", what, std::string(StatusName(status)).c_str());
  std::fflush(stdout);
  // Not exit(): this may be a forked process, which must not run its parent's exit handlers.
  _exit(EXIT_FAILURE);
}

// Room for one map of every layout, then one of every peer.
workload::Reservation NeedsOfShared(uint32_t value_bytes) {
  constexpr uint32_t kLineBytes = 64;
  workload::Reservation all = workload::NeedsOfAll(value_bytes);
  all.tail_bytes += NeedsOfPeers(value_bytes).tail_bytes;
  // An odd number of cache lines per socket spreads the sockets over all sets of the caches, for
  // every reservation. 1000 sockets of 24 lines do not stay in a cache that holds 1000 of 23 or 25.
  const uint32_t lines =
      (ProtocolOf(SocketFamily::kUdp).object_bytes + all.tail_bytes + kLineBytes - 1) / kLineBytes;
  if (lines % 2 == 0) all.tail_bytes += kLineBytes;
  return all;
}

}  // namespace

Population::Population(const WorkloadShape& shape, workload::Reservation reservation)
    : workload_(shape) {
  SocketTableOptions options;
  options.inline_bits = reservation.inline_bits;
  options.tail_bytes = reservation.tail_bytes;
  options.max_descriptors = static_cast<uint32_t>(2 * shape.sockets + 1);  // room for clones
  if (const Status status = SocketTable::Create(options, &table_); status != Status::kOk) {
    Die("make a socket table", status);
  }
  ReadSection section;
  for (size_t i = 0; i < shape.sockets; ++i) {
    int fd = -1;
    Socket* socket = nullptr;
    Status status = table_->Open(SocketFamily::kUdp, &fd);
    if (status == Status::kOk) status = table_->Find(fd, &socket);
    if (status != Status::kOk) Die("open a socket", status);
    sockets_.push_back(socket);
  }
  const std::vector<uint32_t>& order = workload_.packet_order();
  for (size_t i = 0; i < order.size(); ++i) {
    Socket* const next = sockets_[order[(i + 1) % order.size()]];
    sockets_[order[i]]->common.skc_node_next.store(&next->common, std::memory_order_relaxed);
    packet_order_.push_back(sockets_[order[i]]);
  }
  walk_position_ = &first();
}

Population& SharedPopulation(const WorkloadShape& shape) {
  static auto* const populations = new std::map<WorkloadShape, std::unique_ptr<Population>>;
  std::unique_ptr<Population>& population = (*populations)[shape];
  if (population == nullptr) {
    population = std::make_unique<Population>(shape, NeedsOfShared(shape.value_bytes));
  }
  return *population;
}

}  // namespace inlay::bench
