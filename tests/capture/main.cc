// Runs the tests of a program, in a network namespace of their own.
//
// Exit code 77, with the reason: nothing can be captured here.

#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <string>

#include "tests/capture/test_map.h"
#include "tests/kernel/scratch_network.h"
#include "tools/capture/capture_source.h"

namespace {

constexpr int kSkipped = 77;

// Why nothing can be captured; empty if it can.
std::string Reason() {
  using inlay::capture::CaptureOptions;
  try {
    inlay::bpf_script::EnterScratchNetwork();
    const inlay::capture::TestMap map = inlay::capture::MakeTestMap({});
    const auto source =
        inlay::capture::OpenCapture({.target = CaptureOptions::Target::kMapId, .id = map.id});
    return source.ok() ? std::string() : std::string(source.status().message());
  } catch (const std::exception& missing) {
    return missing.what();
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string reason = Reason();
  if (reason.empty()) return RUN_ALL_TESTS();
  std::printf("skipped: %s\n", reason.c_str());
  return kSkipped;
}
