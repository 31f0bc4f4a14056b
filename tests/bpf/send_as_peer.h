// Sends a packet to a TCP socket as if its peer did.

#ifndef INLAY_TESTS_BPF_SEND_AS_PEER_H_
#define INLAY_TESTS_BPF_SEND_AS_PEER_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/live_kernel/file_descriptor.h"

namespace inlay::live_maps {

inline uint16_t ChecksumOf(std::span<const uint8_t> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) sum += uint32_t{bytes[i]} << 8 | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// A packet with data for the TCP socket `to`, over IPv4, from its peer, which TCP will drop after
// programs have seen it. A peer that sends would be locked meanwhile, and a walk wait for it.
inline void SendAsPeer(const live_kernel::FileDescriptor& to, size_t data_bytes) {
  sockaddr_in own = {};
  sockaddr_in peer = {};
  socklen_t bytes = sizeof(own);
  ASSERT_EQ(getsockname(to.get(), reinterpret_cast<sockaddr*>(&own), &bytes), 0);
  ASSERT_EQ(getpeername(to.get(), reinterpret_cast<sockaddr*>(&peer), &bytes), 0);
  constexpr size_t kMostData = 1024;
  // What the checksum covers before the segment: addresses, protocol, length.
  struct Packet {
    uint32_t source;
    uint32_t destination;
    uint16_t protocol;
    uint16_t segment_bytes;
    tcphdr head;
    std::array<uint8_t, kMostData> data;
  } packet = {};
  ASSERT_LE(data_bytes, kMostData);
  const size_t segment = sizeof(tcphdr) + data_bytes;
  packet.source = peer.sin_addr.s_addr;
  packet.destination = own.sin_addr.s_addr;
  packet.protocol = htons(IPPROTO_TCP);
  packet.segment_bytes = htons(static_cast<uint16_t>(segment));
  packet.head.th_sport = peer.sin_port;
  packet.head.th_dport = own.sin_port;
  packet.head.th_off = sizeof(tcphdr) / 4;
  packet.head.th_flags = TH_ACK;
  const std::span<const uint8_t> covered(reinterpret_cast<const uint8_t*>(&packet),
                                         offsetof(Packet, head) + segment);
  packet.head.th_sum = htons(ChecksumOf(covered));
  const live_kernel::FileDescriptor raw(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP));
  own.sin_port = 0;
  ASSERT_EQ(sendto(raw.get(), &packet.head, segment, 0, reinterpret_cast<const sockaddr*>(&own),
                   sizeof(own)),
            static_cast<ssize_t>(segment));
}

}  // namespace inlay::live_maps

#endif  // INLAY_TESTS_BPF_SEND_AS_PEER_H_
