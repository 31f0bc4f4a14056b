// ScratchCgroup: a new cgroup under the cgroup2 mount, with this process in it, so that programs
// attach to our sockets alone. The process leaves and removes it however it ends, except by
// SIGKILL; the next ScratchCgroup removes what SIGKILL left.

#ifndef INLAY_ENGINE_LIVE_KERNEL_SCRATCH_CGROUP_H_
#define INLAY_ENGINE_LIVE_KERNEL_SCRATCH_CGROUP_H_

#include "engine/live_kernel/hidden_fd.h"

namespace inlay::live_kernel {

class ScratchCgroup {
 public:
  // At most one exists in a process. Throws std::system_error or std::runtime_error with the
  // missing requirement.
  ScratchCgroup();
  ScratchCgroup(const ScratchCgroup&) = delete;
  ScratchCgroup& operator=(const ScratchCgroup&) = delete;
  ~ScratchCgroup();

  int fd() const { return fd_.get(); }

 private:
  HiddenFd fd_;
};

}  // namespace inlay::live_kernel

#endif  // INLAY_ENGINE_LIVE_KERNEL_SCRATCH_CGROUP_H_
