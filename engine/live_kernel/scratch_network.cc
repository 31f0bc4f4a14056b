#include "engine/live_kernel/scratch_network.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include "engine/live_kernel/hidden_fd.h"

namespace inlay::live_kernel {
namespace {

[[noreturn]] void Fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

constexpr char kOptmemPath[] = "/proc/sys/net/core/optmem_max";

// 0 if this network namespace has no such file.
int64_t ReadOptmem() {
  std::ifstream file(kOptmemPath);
  int64_t bytes = 0;
  return file >> bytes ? bytes : 0;
}

}  // namespace

OptmemLimit EnterScratchNetwork() {
  // Before Linux 6.8 only the first namespace has the file: read the machine's limit from there.
  static const int64_t machine_bytes = ReadOptmem();
  if (unshare(CLONE_NEWNET) != 0) Fail(errno, "cannot make a network namespace");
  const HiddenFd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "cannot make a socket");
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  if (ioctl(control.get(), SIOCGIFFLAGS, &request) != 0) Fail(errno, "cannot find loopback");
  request.ifr_flags |= IFF_UP;
  if (ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) Fail(errno, "cannot start loopback");
  // The kernel's default has changed, and a new namespace may inherit the machine's setting.
  const int error = SetScratchOptmem(kScratchOptmemBytes);
  if (error == ENOENT) return {.bytes = machine_bytes, .adjustable = false};
  if (error != 0) Fail(error, "cannot set net.core.optmem_max of a network namespace");
  return {.bytes = kScratchOptmemBytes, .adjustable = true};
}

int SetScratchOptmem(int64_t bytes) {
  const int file = open(kOptmemPath, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const std::string text = std::to_string(bytes);
  const int error =
      write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
  close(file);
  return error;
}

}  // namespace inlay::live_kernel
