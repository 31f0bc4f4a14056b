// Runs the tests of a program in a scratch network namespace.
//
// Exit code 77, with the reason: the kernel has no BTF, or this process lacks a capability. Any
// other reason is a failure.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "engine/live_kernel/scratch_network.h"
#include "tests/capture/test_map.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/system/capabilities.h"

namespace {

using inlay::capture::Capability;

constexpr int kSkipped = 77;

// The requirement of the tests that this machine or process lacks; empty if it has all.
std::string Missing() {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) return "this kernel has no BTF";
  std::vector<std::string> names;
  for (const Capability lacking :
       inlay::capture::MissingCapabilities({Capability::kSysAdmin, Capability::kBpf,
                                            Capability::kPerfmon, Capability::kNetAdmin})) {
    names.emplace_back(inlay::capture::CapabilityName(lacking));
  }
  return names.empty() ? "" : "needs " + absl::StrJoin(names, ", ");
}

// The reason why a capture fails although nothing is missing; empty if it succeeds.
std::string Failure() {
  using inlay::capture::CaptureOptions;
  try {
    inlay::live_kernel::EnterScratchNetwork();
    const inlay::capture::TestMap map = inlay::capture::MakeTestMap({});
    const auto source =
        inlay::capture::OpenCapture({.target = CaptureOptions::Target::kMapId, .id = map.id});
    return source.ok() ? std::string() : std::string(source.status().message());
  } catch (const std::exception& failed) {
    return failed.what();
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string missing = Missing();
  if (!missing.empty()) {
    std::printf("skipped: %s\n", missing.c_str());
    return kSkipped;
  }
  const std::string failure = Failure();
  if (failure.empty()) return RUN_ALL_TESTS();
  std::printf("failed: %s\n", failure.c_str());
  return 1;
}
