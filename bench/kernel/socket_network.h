// SocketNetwork: a scratch network namespace with sockets of a workload, and a sender.

#ifndef INLAY_BENCH_KERNEL_SOCKET_NETWORK_H_
#define INLAY_BENCH_KERNEL_SOCKET_NETWORK_H_

#include <cstddef>
#include <cstdint>

#include "bench/kernel/socket_holders.h"
#include "engine/live_kernel/hidden_fd.h"

namespace inlay::bench {

class SocketNetwork {
 public:
  // Sockets of one namespace. The kernel's table of UDP sockets has at most 65,536 slots; with half
  // a million in one namespace a datagram would read the headers of eight sockets to find its own,
  // where a TCP packet, whose table grows with the machine's memory, reads one or two.
  static constexpr size_t kMostSockets = 65536;

  // Moves this process into a new namespace and opens these sockets there. All functions throw
  // std::system_error or std::runtime_error that says what failed.
  SocketNetwork(const HeldSockets& sockets, int storage_map_fd);
  SocketNetwork(const SocketNetwork&) = delete;
  SocketNetwork& operator=(const SocketNetwork&) = delete;

  SocketHolders& holders() { return holders_; }
  // Sends one byte to the socket with this number.
  void SendTo(uint32_t number) const;
  // Runs an iterator's program for all UDP sockets of the namespace.
  void Iterate(int link_fd) const;

 private:
  struct Namespace {
    explicit Namespace(size_t sockets);
    live_kernel::HiddenFd fd;
  };

  Namespace namespace_;
  live_kernel::HiddenFd sender_;
  SocketHolders holders_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SOCKET_NETWORK_H_
