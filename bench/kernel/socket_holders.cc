#include "bench/kernel/socket_holders.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <stdexcept>
#include <string>
#include <system_error>

#include "bench/kernel/socket_walk.h"
#include "engine/live_kernel/signals_held_back.h"

namespace inlay::bench {
namespace {

using live_kernel::SignalsHeldBack;

// The running holders, which a signal handler ends. 0: a free entry.
std::array<volatile pid_t, kMaxHolders> running;

// Signals that end the process. They are blocked while a holder starts.
constexpr std::array kEndingSignals = {SIGHUP, SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                       SIGBUS, SIGSEGV, SIGABRT, SIGFPE,  SIGILL};
std::array<struct sigaction, kEndingSignals.size()> earlier_actions;

// Only calls that a signal handler may make.
void EndAllHolders() {
  for (const volatile pid_t& process : running) {
    if (process != 0) kill(process, SIGKILL);
  }
  for (volatile pid_t& process : running) {
    if (process == 0) continue;
    while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
    process = 0;
  }
}

extern "C" void EndHoldersAndPassOn(int signal) {
  EndAllHolders();
  for (size_t i = 0; i < kEndingSignals.size(); ++i) {
    if (kEndingSignals[i] == signal) sigaction(signal, &earlier_actions[i], nullptr);
  }
  std::raise(signal);
}

// Descriptors that a holder has besides its sockets.
constexpr int kHoldersChannel = STDERR_FILENO + 1;
constexpr int kHoldersMap = STDERR_FILENO + 2;

// A holder has nothing to clean up.
void ForgetSignalHandlers() {
  for (const int signal : kEndingSignals) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

volatile pid_t& FreePlace() {
  for (volatile pid_t& place : running) {
    if (place == 0) return place;
  }
  throw std::runtime_error("too many processes hold sockets");
}

void FreePlaceOf(pid_t process) {
  for (volatile pid_t& place : running) {
    if (place == process) place = 0;
  }
}

// CPU time of this process.
uint64_t CpuTimeNs() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

bool SendAll(int channel, const void* bytes, size_t size) {
  return send(channel, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

}  // namespace

size_t SocketsPerHolder() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  // Several processes open sockets faster than one where there are several CPUs.
  constexpr rlim_t kEnough = 16000;
  constexpr rlim_t kOther = 16;  // standard streams, channel, map
  const rlim_t allowed = limit.rlim_max;
  return allowed <= kOther ? 0 : std::min(kEnough, allowed - kOther);
}

sockaddr_in AddressOf(uint32_t number) {
  // The ports differ too, since the kernel has lists of the sockets of each port.
  constexpr uint32_t kFirstPort = 10000;
  constexpr uint32_t kPorts = 50000;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(static_cast<uint32_t>(kFirstAddress) + number);
  address.sin_port = htons(static_cast<uint16_t>(kFirstPort + number % kPorts));
  return address;
}

EndHoldersOnSignal::EndHoldersOnSignal() {
  // The handler needs the earlier action, which sigaction() writes after it has set ours.
  const SignalsHeldBack held_back;
  struct sigaction ending = {};
  ending.sa_handler = EndHoldersAndPassOn;
  sigfillset(&ending.sa_mask);
  for (size_t i = 0; i < kEndingSignals.size(); ++i) {
    sigaction(kEndingSignals[i], &ending, &earlier_actions[i]);
  }
}

EndHoldersOnSignal::~EndHoldersOnSignal() {
  for (size_t i = 0; i < kEndingSignals.size(); ++i) {
    sigaction(kEndingSignals[i], &earlier_actions[i], nullptr);
  }
}

SocketHolders::SocketHolders(const HeldSockets& sockets, int storage_map_fd)
    : storage_map_fd_(storage_map_fd) {
  const size_t per_holder = SocketsPerHolder();
  if (per_holder == 0) throw std::runtime_error("RLIMIT_NOFILE is too low to open sockets");
  try {
    for (size_t at = 0; at < sockets.count; at += per_holder) {
      Start(sockets.Part(at, per_holder));
    }
    for (const Holder& holder : holders_) Receive(holder);
  } catch (...) {
    EndAll();
    throw;
  }
}

SocketHolders::~SocketHolders() { EndAll(); }

void SocketHolders::Start(const HeldSockets& share) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a socket pair");
  }
  live_kernel::HiddenFd ours(ends[0], "cannot keep a channel");
  const live_kernel::HiddenFd theirs(ends[1], "cannot keep a channel");
  const pid_t parent = getpid();
  const SignalsHeldBack held_back;
  volatile pid_t& place = FreePlace();
  const pid_t process = fork();
  if (process < 0) throw std::system_error(errno, std::generic_category(), "cannot fork");
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);  // the parent ended before prctl()
    ForgetSignalHandlers();
    Hold(share, theirs.get());
  }
  place = process;
  holders_.push_back({process, std::move(ours)});
}

void SocketHolders::EndAll() {
  // First kill all, then wait for all: they close their sockets in parallel.
  for (const Holder& holder : holders_) kill(holder.process, SIGKILL);
  for (const Holder& holder : holders_) {
    const SignalsHeldBack held_back;
    while (waitpid(holder.process, nullptr, 0) < 0 && errno == EINTR) {
    }
    FreePlaceOf(holder.process);
  }
  holders_.clear();
}

uint64_t SocketHolders::DoAll(Command command) {
  uint64_t ns = 0;
  for (const Holder& holder : holders_) {
    if (!SendAll(holder.channel.get(), &command, sizeof(command))) {
      throw std::runtime_error("a process that holds sockets has ended");
    }
    ns += Receive(holder).ns;
  }
  return ns;
}

SocketHolders::Reply SocketHolders::Receive(const Holder& holder) const {
  Reply reply = {};
  const ssize_t size = recv(holder.channel.get(), &reply, sizeof(reply), 0);
  if (size != static_cast<ssize_t>(sizeof(reply))) {
    throw std::runtime_error("a process that holds sockets has ended; perhaps memory ran out");
  }
  if (reply.error != 0) {
    throw std::system_error(reply.error, std::generic_category(),
                            "socket number " + std::to_string(reply.number));
  }
  return reply;
}

void SocketHolders::Hold(const HeldSockets& share, int channel) const {
  // Close all other descriptors, to make room for sockets.
  const int spare_map = fcntl(storage_map_fd_, F_DUPFD, kHoldersMap + 1);
  if (spare_map < 0 || dup2(channel, kHoldersChannel) < 0 || dup2(spare_map, kHoldersMap) < 0) {
    _exit(1);
  }
  close_range(kHoldersMap + 1, ~0U, 0);
  std::vector<int> fds;
  Reply reply = Open(share, &fds);
  Command command;
  do {
    if (!SendAll(kHoldersChannel, &reply, sizeof(reply))) break;
    if (recv(kHoldersChannel, &command, sizeof(command), 0) != sizeof(command)) break;
    reply = Do(command, share, fds);
  } while (true);
  _exit(0);
}

SocketHolders::Reply SocketHolders::Open(const HeldSockets& share, std::vector<int>* fds) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  fds->reserve(share.count);
  for (size_t i = 0; i < share.count; ++i) {
    const sockaddr_in address = AddressOf(share.number(i));
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      return {.error = errno, .number = share.number(i), .ns = 0};
    }
    fds->push_back(fd);
  }
  return {};
}

SocketHolders::Reply SocketHolders::Do(Command command, const HeldSockets& share,
                                       const std::vector<int>& fds) {
  const uint64_t start_ns = CpuTimeNs();
  for (size_t i = 0; i < share.count; ++i) {
    int failed;
    if (command == Command::kStoreValues) {
      failed = bpf_map_update_elem(kHoldersMap, &fds[i], share.bytes(i).data(), BPF_NOEXIST);
    } else {
      const uint32_t mark = share.value(i) + 1;
      failed = setsockopt(fds[i], SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
    }
    if (failed != 0) return {.error = errno, .number = share.number(i), .ns = 0};
  }
  return {.error = 0, .number = 0, .ns = CpuTimeNs() - start_ns};
}

}  // namespace inlay::bench
