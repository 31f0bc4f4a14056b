// Kernels that lack something: a capture takes another way, or says what is missing, and has the
// rest. The kernel of the machine lacks nothing, so its type information is shown without a name,
// or its system call refuses.

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "tests/capture/capture_command.h"
#include "tests/capture/proving_value.h"
#include "tests/capture/refused_calls.h"
#include "tools/capture/capture_source.h"

namespace inlay::capture {
namespace {

using nlohmann::json;

class CaptureFallbacksTest : public CaptureCommandTest {
 protected:
  // Runs the command where the kernel's BTF does not have these names. In a mount namespace of its
  // own.
  Outcome OnKernelWithout(const std::vector<std::string_view>& names,
                          const std::string& arguments) {
    std::ifstream file("/sys/kernel/btf/vmlinux", std::ios::binary);
    std::string types{std::istreambuf_iterator<char>(file), {}};
    for (const std::string_view name : names) {
      const std::string whole = '\0' + std::string(name) + '\0';
      const size_t at = types.find(whole);
      EXPECT_NE(at, std::string::npos) << name;
      if (at != std::string::npos) types[at + 1] = '_';
    }
    return Shell("unshare --mount sh -c \"mount --bind " + files_.Write("btf", types) +
                 " /sys/kernel/btf/vmlinux && '" + INLAY_COMMAND + "' " + arguments + "\"");
  }
  std::string ThisMap() const { return "capture --analyze --json --map-id " + MapId(); }

  struct Taken {
    std::multiset<uint64_t> numbers;  // of the values
    CaptureDescription description;
    SnapshotResult result;
  };
  Taken Take(Method method) const {
    Taken taken;
    const auto source =
        OpenCapture({.target = CaptureOptions::Target::kMapId, .id = map_.id, .method = method});
    EXPECT_TRUE(source.ok()) << source.status();
    if (!source.ok()) return taken;
    taken.description = (*source)->description();
    const auto result = (*source)->Take([&](std::span<const uint8_t> value, uint64_t copies) {
      for (; copies != 0; --copies) taken.numbers.insert(ProvenNumber(value).value_or(~0u));
      return absl::OkStatus();
    });
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) taken.result = *result;
    return taken;
  }
  static std::multiset<uint64_t> AllNumbers() {
    std::multiset<uint64_t> numbers;
    for (uint64_t i = 0; i < kSockets; ++i) numbers.insert(i);
    return numbers;
  }
};

void ExpectNote(const Outcome& outcome, const std::string& note) {
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("note: " + note), std::string::npos) << outcome.err;
}

TEST_F(CaptureFallbacksTest, WithoutAnIteratorOfSockets) {
  for (const std::string name : {"unix", "tcp", "udp"}) {
    const Outcome outcome =
        OnKernelWithout({"bpf_iter_" + name}, "capture --sockets --analyze --json");
    ExpectNote(outcome, "the snapshot is not complete: this kernel has no iterator '" + name + "'");
    EXPECT_GE(json::parse(outcome.out)["records"], kSockets);
  }
  ExpectNote(OnKernelWithout({"bpf_iter_task_file"}, "capture --sockets -o " + files_.Path("file")),
             "the snapshot is not complete: this kernel has no iterator 'task_file'");
  const Outcome none =
      OnKernelWithout({"bpf_iter_task_file", "bpf_iter_tcp", "bpf_iter_udp", "bpf_iter_unix"},
                      "capture --sockets --analyze");
  EXPECT_EQ(none.exit_code, 2) << none.err;
  EXPECT_NE(none.err.find("it has no iterator over sockets"), std::string::npos) << none.err;
}

TEST_F(CaptureFallbacksTest, WithoutAnIteratorOfStorage) {
  const Outcome by_map = OnKernelWithout({"bpf_iter_task_file"}, ThisMap());
  ExpectNote(by_map, "the snapshot is not complete: this kernel has no iterator 'task_file'");
  EXPECT_EQ(json::parse(by_map.out)["distinct"], kSockets);
  const Outcome by_file = OnKernelWithout({"bpf_iter_bpf_sk_storage_map"}, ThisMap());
  ExpectNote(by_file,
             "the snapshot is not complete: this kernel has no iterator 'bpf_sk_storage_map'");
  EXPECT_EQ(json::parse(by_file.out)["distinct"], kSockets);
  ExpectNote(OnKernelWithout({"bpf_iter_bpf_sk_storage_map"}, "maps"),
             "map " + MapId() + " 'inlay_cap_cmd' was not counted: ");
  for (const std::string method : {"map", "fold"}) {
    const Outcome none =
        OnKernelWithout({"bpf_iter_bpf_sk_storage_map"}, ThisMap() + " --method " + method);
    EXPECT_EQ(none.exit_code, 2) << method;
    EXPECT_NE(none.err.find("it has no iterator over socket storage"), std::string::npos)
        << none.err;
  }
}

TEST_F(CaptureFallbacksTest, WithoutSomeMembersOfASocket) {
  const Outcome outcome = OnKernelWithout({"sk_pacing_status", "sk_mark", "net_cookie"},
                                          "capture --sockets --analyze --json");
  ExpectNote(outcome, "this kernel does not have netns_cookie, mark, pacing_status: 0 in all ");
  EXPECT_GE(json::parse(outcome.out)["records"], kSockets);
}

// Tables, and the list of maps, need no types of the kernel.
TEST_F(CaptureFallbacksTest, WithoutBtf) {
  const TestMap table =
      MakeTestMap({.type = BPF_MAP_TYPE_ARRAY, .name = "inlay_cap_table", .max_entries = 5});
  const auto without = [&](const std::string& arguments) {
    return Shell("unshare --mount sh -c \"mount -t tmpfs tmpfs /sys/kernel/btf && '" +
                 std::string(INLAY_COMMAND) + "' " + arguments + "\"");
  };
  const Outcome captured = without("capture --analyze --json --map-id " + std::to_string(table.id));
  EXPECT_EQ(captured.exit_code, 0) << captured.err;
  EXPECT_EQ(json::parse(captured.out)["records"], 5);
  const Outcome listed = without("maps");
  ExpectNote(listed, "map " + MapId() + " 'inlay_cap_cmd' was not counted: ");
  EXPECT_NE(listed.out.find("inlay_cap_table"), std::string::npos) << listed.out;
}

TEST_F(CaptureFallbacksTest, AWalkThatTheKernelRefuses) {
  for (const std::string program : {"values_by_file", "values_by_map"}) {
    WithRefusedCalls(NoProgram(program, EINVAL), [&] {
      const Taken taken = Take(Method::kAuto);
      EXPECT_EQ(taken.numbers, AllNumbers());
      EXPECT_EQ(taken.description.method,
                program == "values_by_file" ? "iter/bpf_sk_storage_map" : "iter/task_file");
      EXPECT_FALSE(taken.result.complete);
      EXPECT_TRUE(absl::StrContains(taken.result.why_incomplete, "does not load the BPF programs"))
          << taken.result.why_incomplete;
    });
  }
  WithRefusedCalls(NoProgram("values_by_", EINVAL), [&] {
    const auto none = OpenCapture({.target = CaptureOptions::Target::kMapId, .id = map_.id});
    EXPECT_TRUE(absl::IsFailedPrecondition(none.status())) << none.status();
  });
  WithRefusedCalls(NoProgram("sockets_of_unix", EINVAL), [&] {
    const auto source = OpenCapture({.target = CaptureOptions::Target::kSockets});
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->description().method, "iter/task_file, iter/tcp, iter/udp");
    const auto result =
        (*source)->Take([](std::span<const uint8_t>, uint64_t) { return absl::OkStatus(); });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_GE(result->values, kSockets);
    EXPECT_TRUE(absl::StrContains(result->why_incomplete, "the snapshot misses some sockets: "))
        << result->why_incomplete;
  });
}

TEST_F(CaptureFallbacksTest, AFoldThatTheKernelRefuses) {
  WithRefusedCalls(NoProgram("fold_in_map", EACCES),
                   [&] { EXPECT_EQ(Take(Method::kFold).numbers, AllNumbers()); });
  WithRefusedCalls(NoProgram("fold_", EACCES), [&] {
    const auto none = OpenCapture(
        {.target = CaptureOptions::Target::kMapId, .id = map_.id, .method = Method::kFold});
    EXPECT_TRUE(absl::StrContains(none.status().message(), "does not load the BPF programs"))
        << none.status();
  });
}

TEST_F(CaptureFallbacksTest, ALockThatTheKernelRefuses) {
  map_ = MakeTestMap({.value_bytes = 64, .lock_offset = 0});
  HeldSockets sockets;
  sockets.StartRewritingLocked({AF_INET, SOCK_DGRAM, "udp"}, 1, map_.fd.get(), 64);
  WithRefusedCalls(NoProgram("locked_by_", EINVAL), [&] {
    const Taken taken = Take(Method::kAuto);
    EXPECT_EQ(taken.numbers.size(), 1u);
    const std::string notes = absl::StrJoin(taken.description.notes, "\n");
    EXPECT_TRUE(absl::StrContains(notes, "the walk does not take the values' lock")) << notes;
  });
}

TEST_F(CaptureFallbacksTest, ABtfThatTheKernelRefuses) {
  const auto refused = [](uint32_t command, const bpf_attr&) {
    return command == BPF_BTF_GET_FD_BY_ID ? EPERM : 0;
  };
  WithRefusedCalls(refused, [&] {
    const Taken taken = Take(Method::kAuto);
    EXPECT_EQ(taken.numbers, AllNumbers());
    EXPECT_TRUE(taken.description.fields.empty());
    const std::string notes = absl::StrJoin(taken.description.notes, "\n");
    EXPECT_TRUE(absl::StrContains(notes, "the fields of the values have no names")) << notes;
  });
}

}  // namespace
}  // namespace inlay::capture
