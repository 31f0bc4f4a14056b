// HiddenFd: a descriptor with a high number. Scripts open the low numbers, and must not meet ours.

#ifndef INLAY_ENGINE_LIVE_KERNEL_HIDDEN_FD_H_
#define INLAY_ENGINE_LIVE_KERNEL_HIDDEN_FD_H_

#include "engine/live_kernel/file_descriptor.h"

namespace inlay::live_kernel {

class HiddenFd : public FileDescriptor {
 public:
  HiddenFd() = default;
  // Takes `fd` over, and moves it to a high number. If `fd` is negative, as after a call that
  // failed, or cannot be moved, throws std::system_error with `what`.
  HiddenFd(int fd, const char* what);

  // Hidden descriptors have numbers from here on.
  static int FirstNumber();
};

}  // namespace inlay::live_kernel

#endif  // INLAY_ENGINE_LIVE_KERNEL_HIDDEN_FD_H_
