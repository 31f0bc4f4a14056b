#include "engine/live_kernel/hidden_fd.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace inlay::live_kernel {
namespace {

// Moves `fd` to a high number. Returns it, or -1 and errno.
int MoveUp(int fd) {
  if (fd < 0) return -1;
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, HiddenFd::FirstNumber());
  const int error = errno;
  close(fd);
  errno = error;
  return moved;
}

}  // namespace

int HiddenFd::FirstNumber() {
  // The script keeps half of the numbers that the process may use, and 10,000 at the most.
  static const int kFirst = [] {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    constexpr rlim_t kEnough = 10000;
    return static_cast<int>(limit.rlim_cur / 2 < kEnough ? limit.rlim_cur / 2 : kEnough);
  }();
  return kFirst;
}

HiddenFd::HiddenFd(int fd, const char* what) : FileDescriptor(MoveUp(fd)) {
  if (!ok()) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace inlay::live_kernel
