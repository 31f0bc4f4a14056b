// HiddenFd: a descriptor of ours, out of the way of the numbers that a script's own have.

#ifndef INLAY_ENGINE_LIVE_KERNEL_HIDDEN_FD_H_
#define INLAY_ENGINE_LIVE_KERNEL_HIDDEN_FD_H_

#include <utility>

namespace inlay::live_kernel {

class HiddenFd {
 public:
  HiddenFd() = default;
  // Takes `fd` over, which it moves to a high number; throws std::system_error with `what` if it is
  // negative, as after a call that failed.
  HiddenFd(int fd, const char* what);
  HiddenFd(HiddenFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  HiddenFd& operator=(HiddenFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~HiddenFd();

  int get() const { return fd_; }

  // The numbers from here on are hidden ones.
  static int FirstNumber();

 private:
  int fd_ = -1;
};

}  // namespace inlay::live_kernel

#endif  // INLAY_ENGINE_LIVE_KERNEL_HIDDEN_FD_H_
