// Walks: touch the memory of sockets like packets on their way through the stack, and then get.
//
// PacketWalk: one packet after the other. Each step loads the header's link to the next socket and
// the memory that the packet has touched before the get, reads the socket's value, and makes the
// address of the next socket depend on all reads. So the next packet cannot start before this one
// is done: a miss has its full cost, and no overlap of packets hides it.
//
// BatchWalk: kBatch packets at a time, as a driver hands them up: all their touches, then all their
// gets. The packets of a batch are independent, so that the processor overlaps their misses.

#ifndef INLAY_ENGINE_WORKLOAD_PACKET_WALK_H_
#define INLAY_ENGINE_WORKLOAD_PACKET_WALK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/workload/line_count.h"
#include "inlay/emulated/socket.h"

namespace inlay::workload {

// Reads the field that benchmarks read: the first four bytes of a value.
inline uint64_t ReadField(const void* value) {
  uint32_t field;
  std::memcpy(&field, value, sizeof(field));
  return field;
}

// Reads all of a value.
inline uint64_t ReadWhole(const void* value, size_t value_bytes) {
  const auto* const bytes = static_cast<const std::byte*>(value);
  uint64_t sum = 0;
  size_t at = 0;
  for (; at + 8 <= value_bytes; at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + at, sizeof(word));
    sum += word;
  }
  for (; at < value_bytes; ++at) sum += static_cast<uint64_t>(bytes[at]);
  return sum;
}

// Zero, in a way that hides it from the compiler.
inline uint64_t OpaqueZero() {
  const volatile uint64_t zero = 0;
  return zero;
}

// The memory of a socket that a packet has touched before the get.
struct TouchedHeader {  // the header, one field of the receive group and one of sock_read_tx
  static uint64_t Touch(const Socket& socket) {
    return static_cast<uint64_t>(socket.common.state()) + static_cast<uint64_t>(socket.sk_rcvbuf) +
           socket.sk_mark;
  }
  static void Count(const Socket& socket, LineCount* lines) {
    lines->Packet(&socket.common.skc_state, sizeof(socket.common.skc_state));
    lines->Packet(&socket.common.skc_node_next, sizeof(socket.common.skc_node_next));
    lines->Packet(&socket.sk_rcvbuf, sizeof(socket.sk_rcvbuf));
    lines->Packet(&socket.sk_mark, sizeof(socket.sk_mark));
  }
};
struct TouchedHeaderAndTail {  // and the first line of the tail, where an inline value lies
  static uint64_t Touch(const Socket& socket) {
    return TouchedHeader::Touch(socket) +
           *(reinterpret_cast<const volatile uint8_t*>(&socket) + sizeof(Socket));
  }
  static void Count(const Socket& socket, LineCount* lines) {
    TouchedHeader::Count(socket, lines);
    lines->Packet(reinterpret_cast<const uint8_t*>(&socket) + sizeof(Socket), 1);
  }
};
struct TouchedNothing {
  static void Count(const Socket& /*socket*/, LineCount* /*lines*/) {}
};

// Takes `steps` steps from *at, and leaves *at where the next step starts. `get(socket)` returns
// the field that it read. Returns the sum of all reads.
template <typename Touched = TouchedHeader, typename Get>
[[gnu::always_inline]] inline uint64_t PacketWalk(Socket** at, size_t steps, uint64_t zero,
                                                  Get&& get) {
  uint64_t sum = 0;
  Socket* socket = *at;
  for (size_t step = 0; step < steps; ++step) {
    const SocketCommon* const next = socket->common.skc_node_next.load(std::memory_order_relaxed);
    uint64_t read = Touched::Touch(*socket);
    read += get(*socket);
    sum += read;
    socket = reinterpret_cast<Socket*>(reinterpret_cast<uintptr_t>(next) + (read & zero));
  }
  *at = socket;
  return sum;
}

// As PacketWalk, but without touching the socket before the get: `order` leads to the next socket,
// not the socket itself. *at is a position in it; it starts again at the end.
template <typename Get>
[[gnu::always_inline]] inline uint64_t UntouchedWalk(std::span<Socket* const> order, size_t* at,
                                                     size_t steps, uint64_t zero, Get&& get) {
  uint64_t sum = 0;
  size_t position = *at;
  for (size_t step = 0; step < steps; ++step) {
    const uint64_t read = get(*order[position]);
    sum += read;
    position += 1 + (read & zero);
    if (position == order.size()) position = 0;
  }
  *at = position;
  return sum;
}

inline constexpr size_t kBatch = 32;

// Takes `batches` batches of `order` from position *at on. `get_all(sockets)` returns the sum of
// the fields that were read of kBatch sockets. REQUIRES: order holds at least kBatch sockets.
template <typename GetAll>
[[gnu::always_inline]] inline uint64_t BatchWalk(std::span<Socket* const> order, size_t* at,
                                                 size_t batches, uint64_t zero, GetAll&& get_all) {
  uint64_t sum = 0;
  size_t position = *at;
  for (size_t batch = 0; batch < batches; ++batch) {
    if (position + kBatch > order.size()) position = 0;
    const std::span<Socket* const, kBatch> sockets = order.subspan(position).first<kBatch>();
    uint64_t read = 0;
    for (const Socket* const socket : sockets) read += TouchedHeader::Touch(*socket);
    // The next stage of the stack starts when this one is done with all packets.
    sum += read;
    read += get_all(sockets);
    sum += read;
    position += kBatch + (read & zero);
  }
  *at = position;
  return sum;
}

}  // namespace inlay::workload

#endif  // INLAY_ENGINE_WORKLOAD_PACKET_WALK_H_
