// The backend on the live kernel: sockets in a scratch network namespace and a scratch cgroup, maps
// and programs through bpf().

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_KERNEL_BACKEND_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_KERNEL_BACKEND_H_

#include <memory>
#include <string>
#include <string_view>

#include "engine/live_kernel/scratch_network.h"
#include "tests/kernel/script/backend.h"

namespace inlay::bpf_script {

// The access to the machine that every script needs. Make it once for all scripts.
class KernelAccess {
 public:
  virtual ~KernelAccess() = default;
  // An empty backend; one at a time. Its functions return the errno of an operation, and throw
  // std::system_error if the machine fails.
  virtual std::unique_ptr<Backend> NewBackend() = 0;
  // The layout that answers as this kernel does: "pointer", or "pointer_6_1". Empty: none, since
  // the version is between these two.
  virtual std::string_view same_layout() const = 0;
  // The limit that a new backend's sockets have.
  virtual live_kernel::OptmemLimit optmem_limit() const = 0;
};

// Null if this machine, this user or this build cannot run scripts on the kernel; *reason says why.
// REQUIRES: no descriptor is open but the standard streams.
std::unique_ptr<KernelAccess> OpenKernel(std::string* reason);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_KERNEL_BACKEND_H_
