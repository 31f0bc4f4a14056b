#include "tests/bpf/shadow_traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "tests/bpf/shadow.h"

namespace inlay::live_maps {
namespace {

constexpr size_t kMostListeners = 6;
constexpr size_t kMostSockets = 120;
constexpr uint32_t kChannels = 4;
constexpr uint32_t kStepsWithOdds = 2000;  // until new ones are drawn
constexpr uint32_t kMostSentBytes = 20000;

// A message of one byte with room for a descriptor.
struct DescriptorMessage {
  DescriptorMessage() {
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  DescriptorMessage(const DescriptorMessage&) = delete;
  DescriptorMessage& operator=(const DescriptorMessage&) = delete;

  char byte = 0;
  iovec data = {&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr message = {};
};

}  // namespace

ShadowTraffic::ShadowTraffic(uint64_t seed, const volatile uint32_t* first_number,
                             const volatile uint32_t* numbers, std::shared_mutex* births)
    : random_(seed),
      first_number_(first_number),
      numbers_(numbers),
      births_(*births),
      thread_([this] { Run(); }) {}

ShadowTraffic::~ShadowTraffic() {
  ending_ = true;
  thread_.join();
  if (forked_ > 0) waitpid(forked_, nullptr, 0);
}

uint32_t ShadowTraffic::Number() { return *first_number_ + Below(*numbers_); }

ShadowTraffic::Socket ShadowTraffic::Open(int type, int family) {
  return Socket(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void ShadowTraffic::Change(const Socket& socket) {
  const int unused = 0;
  const uint32_t number = Below(256) < delete_odds_ ? 0 : Number();
  setsockopt(socket.get(), kShadowLevel, static_cast<int>(number), &unused, sizeof(unused));
}

ShadowTraffic::Listener ShadowTraffic::Bind(int type, bool set_before) {
  Listener made = {};
  const bool wide = Below(2) == 0;
  const bool dual = wide && Below(2) == 0;  // clients come by IPv4
  made.socket = Open(type, wide ? AF_INET6 : AF_INET);
  if (set_before) Change(made.socket);
  made.address_bytes = wide ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  made.address.sin6_family = wide ? AF_INET6 : AF_INET;
  if (wide) {
    made.address.sin6_addr = dual ? in6addr_any : in6addr_loopback;
  } else {
    const in_addr loopback = {htonl(INADDR_LOOPBACK)};
    std::memcpy(&reinterpret_cast<sockaddr_in*>(&made.address)->sin_addr, &loopback,
                sizeof(loopback));
  }
  auto* const at = reinterpret_cast<sockaddr*>(&made.address);
  if (bind(made.socket.get(), at, made.address_bytes) != 0) return made;
  getsockname(made.socket.get(), at, &made.address_bytes);
  if (!dual) return made;
  sockaddr_in by_ipv4 = {};
  by_ipv4.sin_family = AF_INET;
  by_ipv4.sin_port = made.address.sin6_port;
  by_ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(&made.address, &by_ipv4, sizeof(by_ipv4));
  made.address_bytes = sizeof(by_ipv4);
  return made;
}

// A connection over TCP or UDP. Half of those over TCP are accepted at once, the others later or
// never.
void ShadowTraffic::Connect() {
  if (sockets_.size() >= kMostSockets) CloseOne();
  const bool stream = Below(2) == 0;
  std::vector<Listener>& to = stream ? listeners_ : receivers_;
  if (to.size() < kMostListeners && (to.empty() || Below(4) == 0)) {
    to.push_back(Bind(stream ? SOCK_STREAM : SOCK_DGRAM, Below(2) == 0));
    // Nothing changes a listener's value: a child has the mark of the time of its SYN, and the
    // storage of the time of its ACK.
    if (stream) listen(to.back().socket.get(), 16);
  }
  const Listener& peer = to[Below(static_cast<uint32_t>(to.size()))];
  Socket client = Open(stream ? SOCK_STREAM : SOCK_DGRAM, peer.address.sin6_family);
  const int connected =
      connect(client.get(), reinterpret_cast<const sockaddr*>(&peer.address), peer.address_bytes);
  if (connected != 0 && errno != EINPROGRESS) return;
  const char bytes[200] = {};
  send(client.get(), bytes, sizeof(bytes), MSG_NOSIGNAL);
  if (!stream) recv(peer.socket.get(), nullptr, 0, MSG_DONTWAIT);
  sockets_.push_back(std::move(client));
  if (!stream || Below(256) >= accept_odds_) return;
  Socket child(accept4(peer.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!child.ok()) return;
  send(child.get(), bytes, sizeof(bytes), MSG_NOSIGNAL);
  sockets_.push_back(std::move(child));
}

void ShadowTraffic::Exchange() {
  if (sockets_.empty()) return;
  const Socket& socket = sockets_[Below(static_cast<uint32_t>(sockets_.size()))];
  static const std::array<char, kMostSentBytes> kBytes = {};
  send(socket.get(), kBytes.data(), 1 + Below(most_bytes_), MSG_NOSIGNAL);
  if (Below(2) == 0) return;
  std::array<char, 500> received;
  recv(socket.get(), received.data(), received.size(), 0);
}

void ShadowTraffic::OpenChannels() {
  for (uint32_t i = 0; i < kChannels; ++i) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return;
    channels_.push_back({Socket(ends[0]), Socket(ends[1]), false});
  }
}

// Sends a socket to a channel, and closes it here.
void ShadowTraffic::Pass() {
  if (sockets_.empty() || channels_.empty()) return;
  Channel& channel = channels_[Below(static_cast<uint32_t>(channels_.size()))];
  if (channel.has_socket) return TakeBack(channel);
  std::swap(sockets_.back(), sockets_[Below(static_cast<uint32_t>(sockets_.size()))]);
  const int passed = sockets_.back().get();
  DescriptorMessage carrier;
  msghdr& message = carrier.message;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &passed, sizeof(passed));
  if (sendmsg(channel.in.get(), &message, 0) < 0) return;
  sockets_.pop_back();
  channel.has_socket = true;
}

void ShadowTraffic::TakeBack(Channel& channel) {
  DescriptorMessage carrier;
  msghdr& message = carrier.message;
  if (recvmsg(channel.out.get(), &message, MSG_CMSG_CLOEXEC) >= 0) {
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    int passed = -1;
    if (header != nullptr) std::memcpy(&passed, CMSG_DATA(header), sizeof(passed));
    if (passed >= 0) sockets_.emplace_back(passed);
  }
  channel.has_socket = false;
}

// A process that has the sockets too, for a while: they outlive their close here.
void ShadowTraffic::Fork() {
  if (forked_ > 0) {
    if (waitpid(forked_, nullptr, WNOHANG) == 0) return;
    forked_ = 0;
    return;
  }
  const useconds_t stays_us = 1 + Below(50'000);
  const pid_t process = fork();
  if (process == 0) {
    usleep(stays_us);
    _exit(0);
  }
  forked_ = std::max(process, 0);
}

// Data may be in flight, and children of a listener not accepted.
void ShadowTraffic::CloseOne() {
  if (sockets_.empty()) return;
  std::swap(sockets_.back(), sockets_[Below(static_cast<uint32_t>(sockets_.size()))]);
  if (Below(256) < reset_odds_) {
    const linger reset = {1, 0};
    setsockopt(sockets_.back().get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  sockets_.pop_back();
  if (Below(40) == 0 && !listeners_.empty()) listeners_.erase(listeners_.begin());
  if (Below(40) == 0 && !receivers_.empty()) receivers_.erase(receivers_.begin());
}

void ShadowTraffic::DrawOdds() {
  for (uint32_t& odds : odds_) odds = 1 + Below(Below(2) == 0 ? 16 : 256);
  reset_odds_ = Below(257);
  accept_odds_ = Below(257);
  delete_odds_ = Below(4) == 0 ? Below(257) : 32;
  most_bytes_ = Below(4) == 0 ? kMostSentBytes : 500;
}

ShadowTraffic::Step ShadowTraffic::Draw() {
  uint32_t sum = 0;
  for (const uint32_t odds : odds_) sum += odds;
  uint32_t drawn = Below(sum);
  size_t step = 0;
  while (drawn >= odds_[step]) drawn -= odds_[step++];
  return static_cast<Step>(step);
}

void ShadowTraffic::Run() {
  OpenChannels();
  while (!ending_) {
    if (steps_++ % kStepsWithOdds == 0) DrawOdds();
    switch (const Step step = Draw()) {
      case Step::kConnect:
      case Step::kClose: {
        const std::shared_lock lock(births_, std::try_to_lock);
        if (!lock.owns_lock()) {
          std::this_thread::yield();
        } else if (step == Step::kClose) {
          CloseOne();
        } else {
          Connect();
        }
        break;
      }
      case Step::kPass:
        Pass();
        break;
      case Step::kChange:
        if (!sockets_.empty()) Change(sockets_[Below(static_cast<uint32_t>(sockets_.size()))]);
        break;
      case Step::kExchange:
        Exchange();
        break;
      case Step::kFork:
        Fork();
        break;
    }
  }
}

}  // namespace inlay::live_maps
