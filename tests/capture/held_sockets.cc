#include "tests/capture/held_sockets.h"

#include <bpf/bpf.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "tests/capture/proving_value.h"

namespace inlay::capture {
namespace {

// Descriptors of a process besides its sockets.
constexpr size_t kOtherDescriptors = 64;

size_t SocketsPerProcess() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<size_t>(limit.rlim_max, 16000) - kOtherDescriptors;
}

// 0 or errno.
int SetValue(int map_fd, int socket, uint64_t number, size_t value_bytes) {
  const std::vector<uint8_t> value = ProvingValue(number, value_bytes);
  for (;;) {
    if (bpf_map_update_elem(map_fd, &socket, value.data(), BPF_ANY) == 0) return 0;
    if (errno != EAGAIN) return errno;
  }
}

int RewriteLocked(int map_fd, int socket, uint64_t number, size_t value_bytes) {
  const std::vector<uint8_t> value(value_bytes, static_cast<uint8_t>(number));
  return bpf_map_update_elem(map_fd, &socket, value.data(), BPF_F_LOCK) == 0 ? 0 : errno;
}

}  // namespace

bool IsScaledDown() { return std::getenv("INLAY_TEST_SCALE_DOWN") != nullptr; }

size_t ScaledDown(size_t sockets) {
  if (!IsScaledDown()) return sockets;
  const char* const divisor = std::getenv("INLAY_TEST_SCALE_DOWN");
  return std::max<size_t>(sockets / std::max<size_t>(std::strtoul(divisor, nullptr, 10), 1), 100);
}

HeldSockets::~HeldSockets() { Close(); }

void HeldSockets::Close() {
  for (const pid_t process : processes_) kill(process, SIGKILL);
  for (const pid_t process : processes_) waitpid(process, nullptr, 0);
  processes_.clear();
}

void HeldSockets::Open(const SocketKind& kind, size_t count, uint64_t first_number, int map_fd,
                       size_t value_bytes) {
  for (size_t at = 0; at < count; at += SocketsPerProcess()) {
    Start(Work::kHold, kind, std::min(count - at, SocketsPerProcess()), first_number + at, map_fd,
          value_bytes);
  }
}

void HeldSockets::StartPassing(const SocketKind& kind, int map_fd, size_t value_bytes) {
  // Two processes must not use the same number.
  Start(Work::kPass, kind, 100, kFirstPassingNumber + (uint64_t{processes_.size()} << 32), map_fd,
        value_bytes);
}

void HeldSockets::StartReplacing(const SocketKind& kind, size_t count, uint64_t first_number,
                                 int map_fd, size_t value_bytes) {
  Start(Work::kReplace, kind, count, first_number, map_fd, value_bytes);
}

void HeldSockets::StartRewritingLocked(const SocketKind& kind, size_t count, int map_fd,
                                       size_t value_bytes) {
  Start(Work::kRewriteLocked, kind, count, 0, map_fd, value_bytes);
}

void HeldSockets::Start(Work work, const SocketKind& kind, size_t count, uint64_t first_number,
                        int map_fd, size_t value_bytes) {
  int ready[2];
  if (pipe(ready) != 0) throw std::runtime_error("no pipe");
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process < 0) throw std::runtime_error("cannot fork");
  if (process > 0) {
    processes_.push_back(process);
    close(ready[1]);
    int error = EPIPE;
    const bool told = read(ready[0], &error, sizeof(error)) == sizeof(error);
    close(ready[0]);
    if (!told || error != 0) {
      throw std::runtime_error("a helper could not open its sockets: " +
                               std::string(std::strerror(error)));
    }
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<int> sockets;
  int error = 0;
  for (size_t i = 0; i < count && error == 0; ++i) {
    const int fd = socket(kind.family, kind.type, 0);
    if (fd < 0) {
      error = errno;
      break;
    }
    sockets.push_back(fd);
    if (work == Work::kRewriteLocked) {
      error = RewriteLocked(map_fd, fd, 0, value_bytes);
    } else if (map_fd >= 0) {
      error = SetValue(map_fd, fd, first_number + i, value_bytes);
    }
  }
  if (write(ready[1], &error, sizeof(error)) != sizeof(error)) _exit(1);
  uint64_t number = first_number + count;
  for (size_t i = 0;; i = (i + 1) % count) {
    if (work == Work::kHold) pause();
    if (work == Work::kReplace) SetValue(map_fd, sockets[i], first_number + i, value_bytes);
    if (work == Work::kRewriteLocked) RewriteLocked(map_fd, sockets[i], number++, value_bytes);
    if (work == Work::kPass) {
      close(sockets[i]);
      sockets[i] = socket(kind.family, kind.type, 0);
      SetValue(map_fd, sockets[i], number++, value_bytes);
    }
  }
}

}  // namespace inlay::capture
