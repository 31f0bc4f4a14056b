// `inlay capture` and `inlay maps` as a user runs them, on the running kernel.

#include "tests/capture/capture_command.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"

namespace inlay::capture {
namespace {

using nlohmann::json;

TEST_F(CaptureCommandTest, AFileThatAnalyzeReads) {
  const std::string file = files_.Path("now.inlay");
  const Outcome captured = Inlay("capture --map inlay_cap_cmd -o " + file);
  EXPECT_EQ(captured.exit_code, 0) << captured.err;
  EXPECT_EQ(captured.out, "");
  EXPECT_EQ(Snapshots(file), std::vector<size_t>{kSockets});
  const Outcome analyzed = Inlay("analyze --json " + file);
  ASSERT_EQ(analyzed.exit_code, 0) << analyzed.err;
  const json report = json::parse(analyzed.out);
  EXPECT_EQ(report["records"], kSockets);
  EXPECT_EQ(report["distinct"], kSockets);
  EXPECT_EQ(report["fields"][0]["name"], "id");
}

TEST_F(CaptureCommandTest, AnalyzesAtOnceAndThroughAPipe) {
  const Outcome once = Inlay("capture --map-id " + MapId() + " --analyze --json");
  ASSERT_EQ(once.exit_code, 0) << once.err;
  EXPECT_EQ(json::parse(once.out)["distinct"], kSockets);
  const Outcome text = Inlay("capture --map-id " + MapId() + " --analyze");
  EXPECT_NE(text.out.find("300"), std::string::npos) << text.out;
  const std::string inlay = "'" + std::string(INLAY_COMMAND) + "'";
  const Outcome piped =
      Shell(inlay + " capture --map-id " + MapId() + " -o - | " + inlay + " analyze --json -");
  ASSERT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_EQ(json::parse(piped.out)["distinct"], kSockets);
}

TEST_F(CaptureCommandTest, WhatCannotBeCaptured) {
  const std::string file = files_.Path("none.inlay");
  const TestMap array = MakeTestMap({.type = BPF_MAP_TYPE_ARRAY, .max_entries = 5});
  ExpectFailure("capture --map inlay_cap_cmb -o " + file, "there is inlay_cap_cmd");
  ExpectFailure("capture --map-id 4294967295 -o " + file, "no map has this id");
  ExpectFailure("capture --pinned /sys/fs/bpf/nothing -o " + file, "/sys/fs/bpf/nothing");
  ExpectFailure("capture --pinned " + std::string(INLAY_COMMAND) + " -o " + file,
                "is not in a BPF file system");
  ExpectFailure("capture --map-id " + std::to_string(array.id) + " --method fd -o " + file,
                "--method is for maps of type sk_storage");
  ExpectFailure("capture --map-id " + MapId() + " -o /nowhere/now.inlay", "/nowhere");
  ExpectFailure("capture --map-id " + MapId(), "");
  ExpectFailure("capture -o " + file, "");
  ExpectFailure("capture --map-id " + MapId() + " --json -o " + file, "--json is for --analyze");
  ExpectFailure("capture --map-id " + MapId() + " --follow 0 -o " + file,
                "expected a number from 0.001");
  EXPECT_FALSE(std::filesystem::exists(file));
  const TestMap twin = MakeTestMap({.name = "inlay_cap_cmd", .value_bytes = kBytes});
  ExpectFailure("capture --map inlay_cap_cmd -o " + file, "2 maps have this name");
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  const live_kernel::FileDescriptor ring(
      bpf_map_create(BPF_MAP_TYPE_RINGBUF, "inlay_cap_ring", 0, 0, 4096, &options));
  ExpectFailure("capture --map inlay_cap_ring -o " + file, "is of type ringbuf");
}

TEST_F(CaptureCommandTest, TheMapsAndWhatTheyTake) {
  const Outcome text = Inlay("maps");
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("inlay_cap_cmd"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("struct cap_value"), std::string::npos) << text.out;
  const Outcome listed = Inlay("maps --json");
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  const json list = json::parse(listed.out);
  bool found = false;
  for (const json& map : list["maps"]) {
    if (map["id"] != map_.id) continue;
    found = true;
    EXPECT_EQ(map["name"], "inlay_cap_cmd");
    EXPECT_EQ(map["kind"], "sk_storage");
    EXPECT_EQ(map["value_bytes"], kBytes);
    EXPECT_EQ(map["value_type"], "struct cap_value");
    EXPECT_EQ(map["entries"], kSockets);
    // 72 bytes of header and 100 of value are in kmalloc-192, and so are the 176 of a storage.
    EXPECT_EQ(map["element_bytes"], 192 * kSockets);
    EXPECT_EQ(map["storage_bytes"], 192 * kSockets);
    EXPECT_LT(map["memlock_bytes"], 5000) << "the kernel's figure leaves the elements out";
  }
  EXPECT_TRUE(found);
}

// In a mount namespace of its own, so that nothing is left mounted.
TEST_F(CaptureCommandTest, APinnedMap) {
  const std::string folder = NewFolder("bpffs");
  const std::string pin = folder + "/a map";
  const pid_t process = fork();
  if (process == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        Shell("mount --make-rprivate / && mount -t bpf bpf " + folder).exit_code != 0 ||
        bpf_obj_pin(map_.fd.get(), pin.c_str()) != 0) {
      _exit(1);
    }
    const Outcome captured = Inlay("capture --pinned '" + pin + "' --analyze --json");
    const Outcome listed = Inlay("maps --json");
    // A user without the right to write.
    chmod(pin.c_str(), 0400);
    const Outcome reader =
        Shell("setpriv --bounding-set -all,+bpf,+perfmon --inh-caps -all,+bpf,+perfmon '" +
              std::string(INLAY_COMMAND) + "' capture --pinned '" + pin + "' --analyze --json");
    const bool read = reader.exit_code == 0 && json::parse(reader.out)["distinct"] == kSockets;
    if (!read) std::fprintf(stderr, "%s", reader.err.c_str());
    const bool good = read && captured.exit_code == 0 &&
                      json::parse(captured.out)["distinct"] == kSockets &&
                      listed.out.find(pin) != std::string::npos;
    if (!good) std::fprintf(stderr, "%s%s", captured.err.c_str(), listed.out.c_str());
    unlink(pin.c_str());
    _exit(good ? 0 : 2);
  }
  int status = 0;
  waitpid(process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(CaptureCommandTest, SaysWhatHasNoValue) {
  const TestMap sockets = MakeTestMap({});
  const TestMap table = MakeTestMap({.type = BPF_MAP_TYPE_HASH, .max_entries = 10});
  const auto capture = [](const TestMap& map) {
    return "capture --map-id " + std::to_string(map.id);
  };
  ExpectFailure(capture(sockets) + " --analyze",
                "no socket has a value in map " + std::to_string(sockets.id));
  ExpectFailure(capture(table) + " --analyze",
                "map " + std::to_string(table.id) + " 'inlay_cap_test' has no entry");
  const Outcome written = Inlay(capture(sockets) + " -o " + files_.Path("empty.inlay"));
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_NE(written.err.find("note: no socket has a value in map "), std::string::npos)
      << written.err;
}

// In namespaces of its own, where nobody has a socket.
TEST_F(CaptureCommandTest, SaysThatThereAreNoSockets) {
  const std::string file = files_.Path("empty.inlay");
  const auto alone = [&](const std::string& arguments) {
    return Shell("unshare --net --pid --fork --mount-proc '" + std::string(INLAY_COMMAND) +
                 "' capture --sockets " + arguments);
  };
  const Outcome analyzed = alone("--analyze");
  EXPECT_EQ(analyzed.exit_code, 2) << analyzed.err;
  EXPECT_NE(analyzed.err.find("inlay capture: no socket was found: nothing to analyze"),
            std::string::npos)
      << analyzed.err;
  const Outcome written = alone("-o " + file);
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_NE(written.err.find("note: no socket was found"), std::string::npos) << written.err;
  ExpectFailure("analyze " + file, "inlay analyze: no socket was captured");
}

// As on a kernel that was built without BTF. In a mount namespace of its own.
TEST_F(CaptureCommandTest, SaysThatAKernelHasNoBtf) {
  for (const std::string arguments : {"--sockets", "--map inlay_cap_cmd"}) {
    const Outcome outcome =
        Shell("unshare --mount sh -c \"mount -t tmpfs tmpfs /sys/kernel/btf && '" +
              std::string(INLAY_COMMAND) + "' capture " + arguments + " --analyze\"");
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("has no type information"), std::string::npos) << outcome.err;
  }
}

// For root, the bounding set limits the capabilities after exec().
TEST_F(CaptureCommandTest, NamesTheCapabilityThatIsMissing) {
  const std::string file = files_.Path("now.inlay");
  const auto with = [&](const std::string& capabilities, const std::string& arguments) {
    return Shell("setpriv --bounding-set " + capabilities + " --inh-caps " + capabilities + " '" +
                 INLAY_COMMAND + "' " + arguments + " -o " + file);
  };
  const auto expect_lacks = [&](const std::string& capabilities, const std::string& arguments,
                                const std::string& lacks) {
    const Outcome outcome = with(capabilities, arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_NE(outcome.err.find("needs " + lacks + ", which this process lacks"), std::string::npos)
        << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(file));
  };
  expect_lacks("-all,+bpf,+perfmon", "capture --map inlay_cap_cmd", "CAP_SYS_ADMIN");
  expect_lacks("-all,+bpf,+perfmon", "capture --map-id " + MapId(), "CAP_SYS_ADMIN");
  expect_lacks("-all,+bpf", "capture --sockets", "CAP_PERFMON");
  expect_lacks("-all,+perfmon", "capture --sockets", "CAP_BPF");
  expect_lacks("-all", "capture --sockets", "CAP_BPF and CAP_PERFMON");
  const Outcome enough = with("-all,+bpf,+perfmon", "capture --sockets");
  EXPECT_EQ(enough.exit_code, 0) << enough.err;
  EXPECT_NE(enough.err.find("CAP_SYS_PTRACE"), std::string::npos) << enough.err;
  EXPECT_NE(enough.err.find("the snapshot is not complete: "), std::string::npos) << enough.err;
  const Outcome partial = Inlay("analyze --json " + file);
  ASSERT_EQ(partial.exit_code, 0) << partial.err;
  EXPECT_NE(partial.err.find("is partial: "), std::string::npos) << partial.err;
  const Outcome admin = with("-all,+sys_admin", "capture --map-id " + MapId());
  EXPECT_EQ(admin.exit_code, 0) << admin.err;
}

// Root of a user namespace has all capabilities, but none of them counts for BPF.
TEST_F(CaptureCommandTest, SaysThatTheCapabilitiesOfAContainerDoNotCount) {
  if (Shell("unshare --user --map-root-user true").exit_code != 0) {
    GTEST_SKIP() << "no user namespaces here";
  }
  for (const std::string arguments :
       {"maps", "capture --sockets --analyze", "capture --analyze --map inlay_cap_cmd"}) {
    const Outcome outcome =
        Shell("unshare --user --map-root-user '" + std::string(INLAY_COMMAND) + "' " + arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments;
    EXPECT_NE(outcome.err.find("in a user namespace of its own"), std::string::npos)
        << arguments << ": " << outcome.err;
  }
}

}  // namespace
}  // namespace inlay::capture
