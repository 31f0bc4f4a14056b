// The packet walk: what a packet's way through the stack touches of a socket, and then a get.
//
// Each step loads the header's link to the next socket and the state, one field of the receive
// group (sk_rcvbuf) and one of sock_read_tx (sk_mark), reads one field of the socket's value, and
// lets the address of the next socket depend on all that was read: the next packet cannot start
// before this one is done, so that a miss costs what it costs a packet, and nothing is hidden by
// overlapping packets.

#ifndef INLAY_BENCH_PACKET_WALK_H_
#define INLAY_BENCH_PACKET_WALK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "inlay/socket.h"

namespace inlay::bench {

// Reads the field of a value that stands for "the" field: its first four bytes.
inline uint64_t ReadField(const void* value) {
  uint32_t field;
  std::memcpy(&field, value, sizeof(field));
  return field;
}

// Zero, which no compiler may know.
inline uint64_t OpaqueZero() {
  const volatile uint64_t zero = 0;
  return zero;
}

// Takes `steps` steps from *at, and leaves *at where the next step starts. `get(socket)` returns
// the field that was read. Returns the sum of all that was read.
template <typename Get>
[[gnu::always_inline]] inline uint64_t PacketWalk(Socket** at, size_t steps, uint64_t zero,
                                                  Get&& get) {
  uint64_t sum = 0;
  Socket* socket = *at;
  for (size_t step = 0; step < steps; ++step) {
    const SocketCommon* const next = socket->common.skc_node_next.load(std::memory_order_relaxed);
    uint64_t read = static_cast<uint64_t>(socket->common.state());
    read += static_cast<uint64_t>(socket->sk_rcvbuf);
    read += socket->sk_mark;
    read += get(*socket);
    sum += read;
    socket = reinterpret_cast<Socket*>(reinterpret_cast<uintptr_t>(next) + (read & zero));
  }
  *at = socket;
  return sum;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PACKET_WALK_H_
