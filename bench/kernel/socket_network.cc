#include "bench/kernel/socket_network.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "engine/live_kernel/scratch_network.h"

namespace inlay::bench {
namespace {

using live_kernel::HiddenFd;

[[noreturn]] void Fail(const char* what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

SocketNetwork::Namespace::Namespace(size_t sockets) {
  // A sysctl of the parent namespace sets the size of a new namespace's UDP table, so we go through
  // a scratch parent. Kernels before 6.1 have one table for the whole machine instead.
  live_kernel::EnterScratchNetwork();
  std::ofstream slots("/proc/sys/net/ipv4/udp_child_hash_entries");
  if (slots) slots << std::bit_ceil(sockets) << std::flush;
  live_kernel::EnterScratchNetwork();
  fd = HiddenFd(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "cannot open a namespace");
}

SocketNetwork::SocketNetwork(const HeldSockets& sockets, int storage_map_fd)
    : namespace_(std::min(sockets.count, kMostSockets)),
      sender_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "cannot make a socket"),
      holders_(sockets, storage_map_fd) {}

void SocketNetwork::SendTo(uint32_t number) const {
  const sockaddr_in address = AddressOf(number);
  const char byte = 0;
  while (sendto(sender_.get(), &byte, sizeof(byte), 0, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) < 0) {
    if (errno != EINTR) Fail("cannot send a datagram");
  }
}

void SocketNetwork::Iterate(int link_fd) const {
  if (setns(namespace_.fd.get(), CLONE_NEWNET) != 0) Fail("cannot enter the sockets' namespace");
  const HiddenFd walk(bpf_iter_create(link_fd), "cannot start a UDP iterator");
  // The programs write nothing. A long walk may return EAGAIN.
  char printed[64];
  for (;;) {
    const ssize_t size = read(walk.get(), printed, sizeof(printed));
    if (size == 0) return;
    if (size < 0 && errno != EAGAIN && errno != EINTR) Fail("cannot walk over the UDP sockets");
  }
}

}  // namespace inlay::bench
