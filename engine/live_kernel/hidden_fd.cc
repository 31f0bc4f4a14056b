#include "engine/live_kernel/hidden_fd.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace inlay::live_kernel {

int HiddenFd::FirstNumber() {
  // Half of what the process may open is for the script, as far as it can make use of it.
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

HiddenFd::HiddenFd(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  fd_ = fcntl(fd, F_DUPFD_CLOEXEC, FirstNumber());
  const int error = errno;
  close(fd);
  if (fd_ < 0) throw std::system_error(error, std::generic_category(), what);
}

HiddenFd::~HiddenFd() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace inlay::live_kernel
