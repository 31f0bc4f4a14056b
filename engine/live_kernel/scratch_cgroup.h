// ScratchCgroup: a cgroup of our own under the cgroup2 mount, with this process in it, so that
// programs can be attached to our sockets and to nobody else's. However the process ends, short of
// SIGKILL, it leaves the cgroup and removes it.

#ifndef INLAY_ENGINE_LIVE_KERNEL_SCRATCH_CGROUP_H_
#define INLAY_ENGINE_LIVE_KERNEL_SCRATCH_CGROUP_H_

#include "engine/live_kernel/hidden_fd.h"

namespace inlay::live_kernel {

class ScratchCgroup {
 public:
  // One at a time. Throws std::system_error or std::runtime_error that says what is missing.
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
