// How many sockets this machine can hold now.

#ifndef INLAY_BENCH_KERNEL_SOCKET_CAPACITY_H_
#define INLAY_BENCH_KERNEL_SOCKET_CAPACITY_H_

#include <cstddef>
#include <string>

namespace inlay::bench {

struct SocketCapacity {
  size_t sockets;
  std::string limit;  // what does not allow more, with its figure
};

// By the memory that is available, the files that the system may open, and the descriptors and
// processes that we may have. Throws std::runtime_error if /proc does not say.
SocketCapacity FindSocketCapacity();

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SOCKET_CAPACITY_H_
