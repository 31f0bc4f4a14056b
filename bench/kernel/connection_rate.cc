#include "bench/kernel/connection_rate.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <system_error>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_network.h"

INLAY_EMBED_OBJECT(inlay_connections_object)

namespace inlay::bench {
namespace {

using live_kernel::FileDescriptor;
using live_kernel::HiddenFd;

[[noreturn]] void Fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Softirqs of loopback run in the sender, so this is nearly all that a connection costs.
double CpuNs() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

HiddenFd Listen(sockaddr_in* address) {
  live_kernel::EnterScratchNetwork();
  HiddenFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "cannot make a listener");
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(*address);
  auto* const at = reinterpret_cast<sockaddr*>(address);
  if (bind(listener.get(), at, bytes) != 0 || listen(listener.get(), 16) != 0 ||
      getsockname(listener.get(), at, &bytes) != 0) {
    Fail("cannot listen");
  }
  return listener;
}

}  // namespace

ConnectionRate::ConnectionRate(int cgroup_fd)
    : cgroup_fd_(cgroup_fd),
      object_(inlay_connections_object(), "connections"),
      totals_(object_.Variables<ConnectionTotals>()),
      listener_(Listen(&address_)) {}

void ConnectionRate::Connect(size_t connections) {
  for (size_t i = 0; i < connections; ++i) {
    const FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Reset at the end, so that no TIME_WAIT piles up from round to round.
    const linger reset = {1, 0};
    if (setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0 ||
        connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)) !=
            0) {
      Fail("cannot connect");
    }
    const FileDescriptor child(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!child.ok()) Fail("cannot accept");
  }
}

double ConnectionRate::NsPerConnection(const std::string& program, size_t connections) {
  LoadedObject::Link link(nullptr, &bpf_link__destroy);
  if (!program.empty()) link = object_.Attach(program, cgroup_fd_);
  Connect(connections / 16);  // warms up
  totals_.sets = 0;
  totals_.failed = 0;
  const double begin = CpuNs();
  Connect(connections);
  const double ns = CpuNs() - begin;
  // A program of sock_create sees the client alone.
  if (!program.empty() && (totals_.failed != 0 || totals_.sets < connections)) {
    throw std::runtime_error(program + " has not given every socket a value");
  }
  return ns / static_cast<double>(connections);
}

double ConnectionRate::NsPerSet(const std::string& program, size_t connections) {
  const LoadedObject::Link link = object_.Attach(program, cgroup_fd_);
  Connect(connections / 16);
  totals_.ns = 0;
  totals_.timed = 0;
  totals_.failed = 0;
  Connect(connections);
  if (totals_.timed == 0 || totals_.failed != 0) throw std::runtime_error(program + " failed");
  return static_cast<double>(totals_.ns) / static_cast<double>(totals_.timed);
}

}  // namespace inlay::bench
