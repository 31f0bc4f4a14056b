// The backend that is the live kernel: sockets in a network namespace and a cgroup of our own, maps
// and programs through bpf().

#ifndef INLAY_TESTS_KERNEL_KERNEL_BACKEND_H_
#define INLAY_TESTS_KERNEL_KERNEL_BACKEND_H_

#include <memory>
#include <string>

#include "tests/kernel/backend.h"

namespace inlay::bpf_script {

// What every script needs of the machine: made once, as long as scripts run.
class KernelAccess {
 public:
  virtual ~KernelAccess() = default;
  // A backend with nothing in it yet; one at a time. Its functions throw std::system_error where
  // the machine fails, rather than the operation.
  virtual std::unique_ptr<Backend> NewBackend() = 0;
};

// Null if this machine, this user or this build cannot run scripts on the kernel; *reason says why.
// REQUIRES: no descriptor is open but the standard streams.
std::unique_ptr<KernelAccess> OpenKernel(std::string* reason);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_KERNEL_BACKEND_H_
