// CloseRounds: opens all connections of a workload, then closes them in the order of packets.

#ifndef INLAY_BENCH_CLOSE_ROUNDS_H_
#define INLAY_BENCH_CLOSE_ROUNDS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "bench/layouts/has_value.h"
#include "bench/layouts/no_layout.h"
#include "bench/workload/connections.h"
#include "bench/workload/population.h"
#include "bench/workload/workload.h"
#include "engine/workload/packet_walk.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay::bench {

// Has the interface of WriteRounds.
template <typename Layout>
class CloseRounds {
 public:
  static constexpr char kName[] = "Close";

  explicit CloseRounds(const WorkloadShape& shape)
      : workload_(SharedPopulation(shape).workload()), connections_(SharedConnections(shape)) {}
  CloseRounds(const CloseRounds&) = delete;
  CloseRounds& operator=(const CloseRounds&) = delete;

  bool Prepare(std::string* error) {
    if (connections_ == nullptr) {
      *error = "cannot make a socket table";
      return false;
    }
    if constexpr (kHasMap) {
      map_ = MakeMap<Layout>(*connections_, workload_.shape().value_bytes, error);
      return map_ != nullptr;
    }
    return true;
  }

  size_t changes() const { return workload_.shape().sockets; }

  // Opens all sockets, links them into one cycle, and gives each its value.
  bool Next(std::string* error) {
    if (connections_->OpenAll() != Status::kOk) {
      *error = "cannot open the sockets";
      return false;
    }
    const std::vector<uint32_t>& order = workload_.packet_order();
    for (size_t at = 0; at < order.size(); ++at) {
      Socket& socket = connections_->socket(order[at]);
      SocketCommon& next = connections_->socket(order[(at + 1) % order.size()]).common;
      socket.common.skc_node_next.store(&next, std::memory_order_relaxed);
      if (kHasMap && !GiveValue(socket, order[at])) {
        *error = "a socket does not have the value that the model says";
        return false;
      }
    }
    return true;
  }

  uint64_t Run(uint64_t zero) {
    const uint32_t* number = workload_.packet_order().data();
    Socket* at = &connections_->socket(*number);
    return workload::PacketWalk(&at, changes(), zero, [&](Socket& /*socket*/) {
      const Status status = connections_->Close(*number++);
      failures_ += status != Status::kOk;
      return static_cast<uint64_t>(ToErrno(status));
    });
  }

  bool Check(std::string* error) {
    if (failures_ == 0 && connections_->table().sockets() == 0) return true;
    *error = "not all sockets were closed";
    return false;
  }

 private:
  static constexpr bool kHasMap = !std::is_same_v<Layout, NoLayout>;

  // All are closed between benchmarks.
  static Connections* SharedConnections(const WorkloadShape& shape) {
    static auto* const all = new std::map<WorkloadShape, std::unique_ptr<Connections>>;
    std::unique_ptr<Connections>& connections = (*all)[shape];
    if (connections == nullptr) {
      connections = Connections::Create(shape.sockets, shape.value_bytes);
    }
    return connections.get();
  }

  bool GiveValue(Socket& socket, size_t number) {
    if constexpr (kHasMap) {
      const std::span<const std::byte> value = workload_.bytes_of_socket(number);
      if (map_->Update(socket, value, UpdateFlag::kNoExist) != Status::kOk) return false;
      const ReadSection section;
      return HasValue<Layout>(*map_, socket, value);
    }
    return true;
  }

  const Workload& workload_;
  Connections* const connections_;
  std::unique_ptr<typename Layout::Map> map_;
  size_t failures_ = 0;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_CLOSE_ROUNDS_H_
