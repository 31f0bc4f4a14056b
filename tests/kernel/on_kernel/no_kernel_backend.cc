// Replaces kernel_backend.cc if the build has no libbpf.

#include "tests/kernel/on_kernel/kernel_backend.h"

namespace inlay::bpf_script {

std::unique_ptr<KernelAccess> OpenKernel(std::string* reason) {
  *reason = "built without libbpf (install libbpf-dev and configure again)";
  return nullptr;
}

}  // namespace inlay::bpf_script
