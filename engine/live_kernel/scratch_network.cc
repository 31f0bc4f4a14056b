#include "engine/live_kernel/scratch_network.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "engine/live_kernel/hidden_fd.h"

namespace inlay::live_kernel {
namespace {

[[noreturn]] void Fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

void EnterScratchNetwork() {
  if (unshare(CLONE_NEWNET) != 0) Fail(errno, "cannot make a network namespace");
  const HiddenFd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "cannot make a socket");
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  if (ioctl(control.get(), SIOCGIFFLAGS, &request) != 0) Fail(errno, "cannot find loopback");
  request.ifr_flags |= IFF_UP;
  if (ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) Fail(errno, "cannot start loopback");
  // The kernel's own default has not always been this, and a new namespace may take it from the
  // machine's setting.
  constexpr int64_t kDefaultOptmemBytes = 131072;
  if (const int error = SetScratchOptmem(kDefaultOptmemBytes); error != 0) {
    Fail(error, "cannot set net.core.optmem_max of a network namespace");
  }
}

int SetScratchOptmem(int64_t bytes) {
  const int file = open("/proc/sys/net/core/optmem_max", O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const std::string text = std::to_string(bytes);
  const int error =
      write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
  close(file);
  return error;
}

}  // namespace inlay::live_kernel
