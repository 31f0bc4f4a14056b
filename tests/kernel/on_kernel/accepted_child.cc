#include "tests/kernel/on_kernel/accepted_child.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>

namespace inlay::bpf_script {
namespace {

constexpr int kBacklog = 128;
constexpr int kWaitMilliseconds = 500;

struct Address {
  sockaddr_storage bytes = {};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

// The address to bind a socket of the family to: loopback, or a name that the kernel chooses.
Address Loopback(int family) {
  Address address;
  if (family == AF_INET6) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address.bytes);
    in6.sin6_addr = in6addr_loopback;
    address.length = sizeof(in6);
  } else if (family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(address.bytes);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.length = sizeof(in);
  } else {
    address.length = offsetof(sockaddr_storage, ss_family) + sizeof(address.bytes.ss_family);
  }
  address.bytes.ss_family = static_cast<sa_family_t>(family);
  return address;
}

int Option(int fd, int option, int* value) {
  socklen_t length = sizeof(*value);
  return getsockopt(fd, SOL_SOCKET, option, value, &length) == 0 ? 0 : errno;
}

int StartListening(int fd, int family) {
  // Only these families bind to loopback; for others listen() gives the answer.
  if (family == AF_INET || family == AF_INET6 || family == AF_UNIX) {
    Address address = Loopback(family);
    if (bind(fd, address.get(), address.length) != 0) return errno;
  }
  return listen(fd, kBacklog) == 0 ? 0 : errno;
}

}  // namespace

int AcceptChild(int listener, live_kernel::HiddenFd* client, int* child) {
  int family = 0;
  int type = 0;
  int listening = 0;
  if (const int error = Option(listener, SO_DOMAIN, &family); error != 0) return error;
  Option(listener, SO_TYPE, &type);
  Option(listener, SO_ACCEPTCONN, &listening);
  if (listening == 0) {
    if (const int error = StartListening(listener, family); error != 0) return error;
  }
  Address address;
  if (getsockname(listener, address.get(), &address.length) != 0) return errno;
  live_kernel::HiddenFd connecting(socket(family, type | SOCK_CLOEXEC, 0), "cannot make a client");
  if (connect(connecting.get(), address.get(), address.length) != 0) return errno;
  pollfd waiting = {listener, POLLIN, 0};
  if (poll(&waiting, 1, kWaitMilliseconds) == 0) {
    ResetClient(std::move(connecting));
    return ETIMEDOUT;
  }
  const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted < 0) return errno;
  *client = std::move(connecting);
  *child = accepted;
  return 0;
}

void ResetClient(live_kernel::HiddenFd client) {
  if (client.get() < 0) return;
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace inlay::bpf_script
