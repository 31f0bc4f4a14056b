// `--sockets` on the running kernel: the record of a socket holds its settings, and the walk finds
// sockets without a descriptor and in other network namespaces.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_network.h"
#include "tests/capture/held_sockets.h"
#include "tools/capture/attribute_fields.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/walk/socket_attributes.h"

namespace inlay::capture {
namespace {

// The records of the sockets with this mark, which no other socket has.
constexpr uint32_t kMark = 0x1A2B3C4D;

std::vector<SocketAttributes> MarkedSockets() {
  std::vector<SocketAttributes> found;
  absl::StatusOr<std::unique_ptr<CaptureSource>> source =
      OpenCapture({.target = CaptureOptions::Target::kSockets});
  EXPECT_TRUE(source.ok()) << source.status();
  if (!source.ok()) return found;
  EXPECT_EQ((*source)->description().value_bytes, sizeof(SocketAttributes));
  const absl::StatusOr<SnapshotResult> result =
      (*source)->Take([&](std::span<const uint8_t> value, uint64_t copies) {
        SocketAttributes attributes;
        EXPECT_EQ(value.size(), sizeof(attributes));
        EXPECT_EQ(copies, 1u);
        std::memcpy(&attributes, value.data(), sizeof(attributes));
        if (attributes.mark == kMark) found.push_back(attributes);
        return absl::OkStatus();
      });
  EXPECT_TRUE(result.ok()) << result.status();
  return found;
}

live_kernel::FileDescriptor Marked(int family, int type) {
  live_kernel::FileDescriptor fd(socket(family, type | SOCK_CLOEXEC, 0));
  EXPECT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &kMark, sizeof(kMark)), 0);
  return fd;
}

void SetInt(const live_kernel::FileDescriptor& fd, int level, int option, int value) {
  EXPECT_EQ(setsockopt(fd.get(), level, option, &value, sizeof(value)), 0) << option;
}

int GetInt(const live_kernel::FileDescriptor& fd, int level, int option) {
  int value = 0;
  socklen_t bytes = sizeof(value);
  EXPECT_EQ(getsockopt(fd.get(), level, option, &value, &bytes), 0) << option;
  return value;
}

TEST(LiveSockets, AttributesAreWhatWasSet) {
  const live_kernel::FileDescriptor tcp = Marked(AF_INET6, SOCK_STREAM);
  SetInt(tcp, SOL_SOCKET, SO_PRIORITY, 5);
  SetInt(tcp, SOL_SOCKET, SO_RCVBUF, 40'000);
  SetInt(tcp, SOL_SOCKET, SO_SNDBUF, 50'000);
  SetInt(tcp, SOL_SOCKET, SO_REUSEPORT, 1);
  SetInt(tcp, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  SetInt(tcp, IPPROTO_TCP, TCP_NODELAY, 1);
  SetInt(tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234);
  SetInt(tcp, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4321);
  SetInt(tcp, IPPROTO_TCP, TCP_SYNCNT, 3);
  ASSERT_EQ(setsockopt(tcp.get(), IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
  std::vector<SocketAttributes> found = MarkedSockets();
  ASSERT_EQ(found.size(), 1u);
  const SocketAttributes& of_tcp = found[0];
  EXPECT_EQ(of_tcp.family, AF_INET6);
  EXPECT_EQ(of_tcp.type, SOCK_STREAM);
  EXPECT_EQ(of_tcp.protocol, IPPROTO_TCP);
  EXPECT_EQ(of_tcp.state, 7) << "TCP_CLOSE";
  EXPECT_EQ(of_tcp.priority, 5u);
  EXPECT_EQ(of_tcp.uid, geteuid());
  EXPECT_EQ(of_tcp.rcvbuf, GetInt(tcp, SOL_SOCKET, SO_RCVBUF));
  EXPECT_EQ(of_tcp.sndbuf, 100'000);
  EXPECT_EQ(of_tcp.userlocks & 3, 3) << "both buffers' sizes were set";
  EXPECT_EQ(of_tcp.reuseport, 1);
  EXPECT_EQ(of_tcp.ipv6only, 1);
  EXPECT_EQ(of_tcp.nodelay & 1, 1);
  EXPECT_EQ(of_tcp.user_timeout, 1234u);
  EXPECT_EQ(of_tcp.notsent_lowat, 4321u);
  EXPECT_EQ(of_tcp.syn_retries, 3);
  EXPECT_STREQ(of_tcp.congestion_control, "reno");
  EXPECT_NE(of_tcp.cgroup_id, 0u);
  uint64_t cookie = 0;
  socklen_t bytes = sizeof(cookie);
  ASSERT_EQ(getsockopt(tcp.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &bytes), 0);
  EXPECT_EQ(of_tcp.netns_cookie, cookie);

  SetInt(tcp, SOL_SOCKET, SO_MARK, 0);
  const live_kernel::FileDescriptor udp = Marked(AF_INET, SOCK_DGRAM);
  SetInt(udp, IPPROTO_IP, IP_TOS, 0x20);
  SetInt(udp, IPPROTO_IP, IP_TTL, 17);
  SetInt(udp, IPPROTO_IP, IP_MULTICAST_TTL, 4);
  SetInt(udp, SOL_SOCKET, SO_BINDTOIFINDEX, 1);  // loopback
  found = MarkedSockets();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].family, AF_INET);
  EXPECT_EQ(found[0].type, SOCK_DGRAM);
  EXPECT_EQ(found[0].tos, 0x20);
  EXPECT_EQ(found[0].ttl, 17);
  EXPECT_EQ(found[0].multicast_ttl, 4);
  EXPECT_EQ(found[0].bound_device, 1);
  EXPECT_STREQ(found[0].congestion_control, "");
}

TEST(LiveSockets, SocketsWithoutADescriptorAndOfOtherNamespaces) {
  // A connection that nobody has accepted has no descriptor on that side, and the listener's mark.
  const live_kernel::FileDescriptor listener = Marked(AF_INET, SOCK_STREAM);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(address);
  auto* const to = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener.get(), to, bytes), 0);
  ASSERT_EQ(listen(listener.get(), 8), 0);
  ASSERT_EQ(getsockname(listener.get(), to, &bytes), 0);
  const live_kernel::FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), to, bytes), 0);
  // A socket in another namespace, where a process has it.
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t process = fork();
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int open = fcntl(listener.get(), F_GETFD);
    close(listener.get());
    live_kernel::EnterScratchNetwork();
    const live_kernel::FileDescriptor other = Marked(AF_UNIX, SOCK_DGRAM);
    if (open < 0 || write(ready[1], "", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const std::vector<SocketAttributes> found = MarkedSockets();
  kill(process, SIGKILL);
  waitpid(process, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  std::map<std::pair<int, int>, int> by_family_and_state;
  std::set<uint64_t> namespaces;
  for (const SocketAttributes& socket : found) {
    ++by_family_and_state[{socket.family, socket.state}];
    namespaces.insert(socket.netns_cookie);
  }
  const std::map<std::pair<int, int>, int> expected = {
      {{AF_INET, 10}, 1},  // TCP_LISTEN
      {{AF_INET, 1}, 1},   // TCP_ESTABLISHED
      {{AF_UNIX, 7}, 1},
  };
  EXPECT_EQ(by_family_and_state, expected);
  EXPECT_EQ(namespaces.size(), 2u);
}

TEST(LiveSockets, AFullBufferPausesTheWalkOverAProtocol) {
  HeldSockets sockets;
  sockets.Open({AF_UNIX, SOCK_STREAM, "unix"}, 1'000, 0, -1, 0);
  for (const bool full : {false, true}) {
    CaptureOptions options;
    options.target = CaptureOptions::Target::kSockets;
    if (full) options.buffer_bytes = 20'000;
    const absl::StatusOr<std::unique_ptr<CaptureSource>> source = OpenCapture(options);
    ASSERT_TRUE(source.ok()) << source.status();
    const absl::StatusOr<SnapshotResult> result =
        (*source)->Take([](std::span<const uint8_t>, uint64_t) { return absl::OkStatus(); });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_GE(result->values, 1'000u);
    EXPECT_EQ(result->why_incomplete.find("paused") != std::string::npos, full)
        << result->why_incomplete;
  }
}

TEST(LiveSockets, EveryByteOfTheRecordIsANamedField) {
  uint64_t end_bits = 0;
  for (const analysis::ValueField& field : AttributeFields()) {
    EXPECT_EQ(field.offset_bits, end_bits) << field.name;
    end_bits += field.size_bits;
  }
  EXPECT_EQ(end_bits, 8 * sizeof(SocketAttributes));
}

}  // namespace
}  // namespace inlay::capture
