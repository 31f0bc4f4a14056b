// ConnectionRate: TCP connections over loopback that are opened, accepted and reset, while a
// program gives their sockets values.

#ifndef INLAY_BENCH_KERNEL_CONNECTION_RATE_H_
#define INLAY_BENCH_KERNEL_CONNECTION_RATE_H_

#include <netinet/in.h>

#include <cstddef>
#include <string>

#include "bench/kernel/connections.h"
#include "bench/kernel/loaded_object.h"
#include "engine/live_kernel/hidden_fd.h"

namespace inlay::bench {

class ConnectionRate {
 public:
  // Moves this process into a new network namespace. REQUIRES: it is in the cgroup. All functions
  // throw std::system_error or std::runtime_error that says what failed.
  explicit ConnectionRate(int cgroup_fd);
  ConnectionRate(const ConnectionRate&) = delete;
  ConnectionRate& operator=(const ConnectionRate&) = delete;

  // The CPU time of a connection, its accept and the end of both sockets: the mean of so many.
  // `program` is attached meanwhile; empty: none.
  double NsPerConnection(const std::string& program, size_t connections);
  // What a set takes in `program` alone, the mean over so many connections, including the cost of
  // reading the clock.
  double NsPerSet(const std::string& program, size_t connections);

  const LoadedObject& object() const { return object_; }

 private:
  void Connect(size_t connections);

  const int cgroup_fd_;
  LoadedObject object_;
  volatile ConnectionTotals& totals_;
  sockaddr_in address_ = {};
  live_kernel::HiddenFd listener_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_CONNECTION_RATE_H_
