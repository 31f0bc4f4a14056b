// bpf_script --on pointer|index|...|kernel <script: runs a script of operations and prints the
// answer of each. The language and the ways to run it are in README.md.
//
// Exit codes: 0 success; 1 failure in between; 2 wrong arguments; 77 this machine cannot run
// scripts on the kernel (stderr says why).

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/kernel/on_inlay/inlay_backend.h"
#include "tests/kernel/on_kernel/kernel_backend.h"
#include "tests/kernel/script/script_runner.h"

namespace inlay::bpf_script {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kSkipped = 77;

int Usage() {
  std::string where = "kernel";
  for (const std::string_view layout : LayoutNames()) where += "|" + std::string(layout);
  std::fprintf(stderr, "usage: bpf_script --on %s <script\n", where.c_str());
  return kUsage;
}

int Run(std::string_view where) {
  std::unique_ptr<KernelAccess> kernel;
  std::unique_ptr<Backend> backend;
  if (where == "kernel") {
    close_range(3, ~0U, 0);  // inherited descriptors would take the script's numbers
    std::string reason;
    kernel = OpenKernel(&reason);
    if (kernel == nullptr) {
      std::fprintf(stderr, "bpf_script: cannot run on the kernel here: %s\n", reason.c_str());
      return kSkipped;
    }
    backend = kernel->NewBackend();
  } else {
    backend = NewInlayBackend(where);
  }
  if (backend == nullptr) return Usage();
  ScriptRunner runner(*backend);
  for (std::string line; std::getline(std::cin, line);) {
    if (HasAnswer(line)) std::printf("%s\n", runner.Run(line).c_str());
  }
  return 0;
}

int Main(std::span<char* const> arguments) {
  if (arguments.size() != 3 || std::string_view(arguments[1]) != "--on") return Usage();
  try {
    return Run(arguments[2]);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "bpf_script: %s\n", failed.what());
    return kFailed;
  }
}

}  // namespace
}  // namespace inlay::bpf_script

int main(int argc, char** argv) {
  return inlay::bpf_script::Main({argv, static_cast<size_t>(argc)});
}
