// Captures from the kernel that is running: every value that was written is captured, once, whatever goes on meanwhile.
//
// Exit code 77, with the reason: nothing can be captured here.

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/capture/held_sockets.h"
#include "tests/capture/proving_value.h"
#include "tests/capture/test_map.h"
#include "tests/kernel/scratch_network.h"
#include "tools/capture/capture_source.h"

namespace inlay::capture {
namespace {

constexpr SocketKind kKinds[] = {
    {AF_INET, SOCK_STREAM, "tcp"},  {AF_INET6, SOCK_STREAM, "tcp6"}, {AF_INET, SOCK_DGRAM, "udp"},
    {AF_INET6, SOCK_DGRAM, "udp6"}, {AF_UNIX, SOCK_STREAM, "unix"},
};
constexpr Method kMethods[] = {Method::kAuto, Method::kFd, Method::kMap, Method::kFold};

struct Taken {
  std::map<std::vector<uint8_t>, uint64_t> copies;
  SnapshotResult result;
  CaptureDescription description;
  double seconds = 0;
};

std::unique_ptr<CaptureSource> Open(uint32_t map_id, Method method) {
  CaptureOptions options;
  options.target = CaptureOptions::Target::kMapId;
  options.id = map_id;
  options.method = method;
  absl::StatusOr<std::unique_ptr<CaptureSource>> source = OpenCapture(options);
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? *std::move(source) : nullptr;
}

Taken Take(CaptureSource& source) {
  Taken taken;
  taken.description = source.description();
  std::vector<std::pair<std::vector<uint8_t>, uint64_t>> values;
  const auto begin = std::chrono::steady_clock::now();
  const absl::StatusOr<SnapshotResult> result =
      source.Take([&](std::span<const uint8_t> value, uint64_t copies) {
        values.emplace_back(std::vector<uint8_t>(value.begin(), value.end()), copies);
        return absl::OkStatus();
      });
  taken.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_TRUE(result.ok()) << result.status();
  if (result.ok()) taken.result = *result;
  for (const auto& [value, copies] : values) taken.copies[value] += copies;
  return taken;
}

Taken TakeOnce(uint32_t map_id, Method method) {
  const std::unique_ptr<CaptureSource> source = Open(map_id, method);
  return source == nullptr ? Taken() : Take(*source);
}

// Every number below `count` is there once, every value proves itself, and what is beside them is of passing sockets.
void ExpectAll(const Taken& taken, size_t count) {
  std::vector<uint64_t> seen(count);
  uint64_t values = 0;
  for (const auto& [value, copies] : taken.copies) {
    values += copies;
    const std::optional<uint64_t> number = ProvenNumber(value);
    ASSERT_TRUE(number.has_value());
    if (*number < count) {
      seen[*number] += copies;
    } else {
      ASSERT_GE(*number, kFirstPassingNumber);
      ASSERT_EQ(copies, 1u);
    }
  }
  EXPECT_EQ(values, taken.result.values);
  size_t wrong = 0;
  for (const uint64_t times : seen) wrong += times == 1 ? 0 : 1;
  EXPECT_EQ(wrong, 0u) << "of " << count << " values are missing or there several times";
}

TEST(LiveCapture, EveryFamilyWhileSocketsComeAndGo) {
  constexpr size_t kOfEach = 20'000;
  const TestMap map = MakeTestMap({.value_bytes = 100});
  HeldSockets sockets;
  size_t count = 0;
  for (const SocketKind& kind : kKinds) {
    sockets.Open(kind, kOfEach, count, map.fd.get(), 100);
    count += kOfEach;
  }
  sockets.StartPassing(kKinds[0], map.fd.get(), 100);
  sockets.StartPassing(kKinds[4], map.fd.get(), 100);
  for (const Method method : kMethods) {
    SCOPED_TRACE(static_cast<int>(method));
    const Taken taken = TakeOnce(map.id, method);
    EXPECT_TRUE(taken.result.complete);
    ExpectAll(taken, count);
    std::printf("%s: %zu values, %.3f s\n", taken.description.method.c_str(),
                static_cast<size_t>(taken.result.values), taken.seconds);
  }
}

}  // namespace
}  // namespace inlay::capture

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  testing::InitGoogleTest(&argc, argv);
  try {
    inlay::bpf_script::EnterScratchNetwork();
    const inlay::capture::TestMap map = inlay::capture::MakeTestMap({});
    const auto source = inlay::capture::OpenCapture(
        {.target = inlay::capture::CaptureOptions::Target::kMapId, .id = map.id});
    if (!source.ok()) {
      std::printf("skipped: %s\n", std::string(source.status().message()).c_str());
      return 77;
    }
  } catch (const std::exception& missing) {
    std::printf("skipped: %s\n", missing.what());
    return 77;
  }
  return RUN_ALL_TESTS();
}
