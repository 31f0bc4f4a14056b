// Connections: sockets that close and open again, each under a constant number.

#ifndef INLAY_BENCH_CONNECTIONS_H_
#define INLAY_BENCH_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/workload/population.h"
#include "bench/workload/workload.h"
#include "inlay/emulated/socket.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay::bench {

// Not thread-safe. All start closed.
class Connections {
 public:
  // Uses sockets like those of the shared populations with values of that size. Null if there is no
  // memory.
  static std::unique_ptr<Connections> Create(size_t count, uint32_t value_bytes) {
    const WorkloadShape smallest{.sockets = 1, .values = 1, .value_bytes = value_bytes};
    SocketTableOptions options = SharedPopulation(smallest).table().options();
    options.max_descriptors = static_cast<uint32_t>(count + 1);
    std::unique_ptr<SocketTable> table;
    if (SocketTable::Create(options, &table) != Status::kOk) return nullptr;
    return std::unique_ptr<Connections>(new Connections(count, std::move(table)));
  }

  SocketTable& table() { return *table_; }
  size_t count() const { return connections_.size(); }
  // REQUIRES: open.
  Socket& socket(size_t number) { return *connections_[number].socket; }
  const Socket& socket(size_t number) const { return *connections_[number].socket; }

  // REQUIRES: closed.
  Status Open(size_t number) {
    Connection& connection = connections_[number];
    const Status status = table_->Open(SocketFamily::kUdp, &connection.fd);
    if (status != Status::kOk) return status;
    const ReadSection section;  // the open descriptor holds the socket from here on
    return table_->Find(connection.fd, &connection.socket);
  }
  // REQUIRES: open.
  Status Close(size_t number) {
    return table_->Close(std::exchange(connections_[number].fd, kClosed));
  }

  // Opens the closed ones, until one fails to open.
  Status OpenAll() {
    Status status = Status::kOk;
    for (size_t number = 0; number < count() && status == Status::kOk; ++number) {
      if (connections_[number].fd == kClosed) status = Open(number);
    }
    return status;
  }

 private:
  static constexpr int kClosed = -1;
  struct Connection {
    Socket* socket = nullptr;
    int fd = kClosed;
  };

  Connections(size_t count, std::unique_ptr<SocketTable> table)
      : table_(std::move(table)), connections_(count) {}

  std::unique_ptr<SocketTable> table_;
  std::vector<Connection> connections_;
};

// A map of `Layout` over the connections' sockets; null, with *error set, if it cannot be made.
template <typename Layout>
std::unique_ptr<typename Layout::Map> MakeMap(Connections& connections, uint32_t value_bytes,
                                              std::string* error) {
  MapOptions options;
  options.name = Layout::kName;
  options.value_bytes = value_bytes;
  options.width_bits = Layout::kWidthBits;
  std::unique_ptr<typename Layout::Map> map;
  const Status status = Layout::Map::Create(connections.table(), options, &map);
  if (status != Status::kOk) *error = "cannot create the map: " + std::string(StatusName(status));
  return map;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_CONNECTIONS_H_
