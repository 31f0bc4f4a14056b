// In the place of kernel_backend.cc where libbpf is not installed.

#include "tests/kernel/kernel_backend.h"

namespace inlay::bpf_script {

std::unique_ptr<KernelAccess> OpenKernel(std::string* reason) {
  *reason = "built without libbpf (install libbpf-dev and configure again)";
  return nullptr;
}

}  // namespace inlay::bpf_script
