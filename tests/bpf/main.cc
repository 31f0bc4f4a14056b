// Runs the tests of a program in a scratch network namespace.
//
// Exit code 77, with the reason: this process may not load programs, or the kernel has no BTF. Any
// other reason is a failure.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "engine/live_kernel/scratch_network.h"

namespace {

constexpr int kSkipped = 77;

// The requirement that is not met; null if all are.
const char* Missing() {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) return "this kernel has no BTF";
  if (geteuid() != 0) return "needs root: it loads BPF programs";
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (const char* const missing = Missing(); missing != nullptr) {
    std::printf("skipped: %s\n", missing);
    return kSkipped;
  }
  try {
    inlay::live_kernel::EnterScratchNetwork();
  } catch (const std::exception& failed) {
    std::printf("failed: %s\n", failed.what());
    return 1;
  }
  return RUN_ALL_TESTS();
}
