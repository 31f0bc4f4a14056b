// Population: the sockets of a workload, opened in an emulated socket table and linked into one
// random cycle through skc_node, the link that a packet's lookup follows.

#ifndef INLAY_BENCH_POPULATION_H_
#define INLAY_BENCH_POPULATION_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/workload/workload.h"
#include "engine/workload/layouts.h"
#include "inlay/emulated/socket.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"

namespace inlay::bench {

class Population {
 public:
  // Opens shape.sockets UDP sockets with this reservation. Ends the program, with a message, if
  // memory runs out.
  Population(const WorkloadShape& shape, workload::Reservation reservation);

  const Workload& workload() const { return workload_; }
  SocketTable& table() { return *table_; }
  Socket& socket(size_t number) { return *sockets_[number]; }
  size_t sockets() const { return sockets_.size(); }
  // The first socket of the packet order.
  Socket& first() { return *sockets_[workload_.packet_order().front()]; }
  std::span<Socket* const> packet_order() const { return packet_order_; }
  // The positions of the walks, so that a walk goes on where the last one stopped.
  Socket*& walk_position() { return walk_position_; }
  size_t& order_position() { return order_position_; }

 private:
  Workload workload_;
  std::unique_ptr<SocketTable> table_;
  std::vector<Socket*> sockets_;
  std::vector<Socket*> packet_order_;
  Socket* walk_position_ = nullptr;
  size_t order_position_ = 0;
};

// The population of a shape, made at its first use and kept to the end of the program, with room
// for one map of every layout and of every peer: all are measured in the same sockets.
Population& SharedPopulation(const WorkloadShape& shape);

// A map of `Layout` over the population's sockets; null, with *error set, if it cannot be made.
template <typename Layout>
std::unique_ptr<typename Layout::Map> MakeMap(Population& population, std::string* error) {
  MapOptions options;
  options.name = Layout::kName;
  options.value_bytes = population.workload().shape().value_bytes;
  options.width_bits = Layout::kWidthBits;
  options.clone = true;
  std::unique_ptr<typename Layout::Map> map;
  const Status status = Layout::Map::Create(population.table(), options, &map);
  if (status != Status::kOk) {
    *error = "cannot create the map: " + std::string(StatusName(status));
  }
  return map;
}

// Gives every socket its value of the workload. False, with *error set, on failure.
template <typename Map>
bool Fill(Map& map, Population& population, std::string* error) {
  for (size_t i = 0; i < population.sockets(); ++i) {
    const Status status = map.Update(population.socket(i), population.workload().bytes_of_socket(i),
                                     UpdateFlag::kAny);
    if (status == Status::kOk) continue;
    *error = "cannot fill the map: " + std::string(StatusName(status));
    return false;
  }
  return true;
}

// Compares every socket's value with the model: the workload itself, or "absent" if !present.
template <typename Layout>
bool MatchesModel(const typename Layout::Map& map, Population& population, bool present,
                  std::string* error) {
  ReadSection section;
  for (size_t i = 0; i < population.sockets(); ++i) {
    const auto expected = population.workload().bytes_of_socket(i);
    const uint64_t equal = Layout::Read(map, population.socket(i), [&](const void* found) {
      return present ? found != nullptr && std::memcmp(found, expected.data(), expected.size()) == 0
                     : found == nullptr;
    });
    if (equal != 0) continue;
    *error = "socket " + std::to_string(i) + " does not have the value that the model says";
    return false;
  }
  return true;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_POPULATION_H_
