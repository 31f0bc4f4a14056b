// Estimates how many sockets this machine can hold now.

#ifndef INLAY_BENCH_KERNEL_SOCKET_CAPACITY_H_
#define INLAY_BENCH_KERNEL_SOCKET_CAPACITY_H_

#include <cstddef>
#include <string>

namespace inlay::bench {

struct SocketCapacity {
  size_t sockets;
  std::string limit;  // the binding limit, with its figure
};

// Limits: available memory, the system's open files, and this process's descriptors and processes.
// Throws std::runtime_error if /proc cannot be read.
SocketCapacity FindSocketCapacity();

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SOCKET_CAPACITY_H_
