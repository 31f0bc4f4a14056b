// `inlay capture` and `inlay maps` as a user runs them, on the kernel that is running.

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/capture/held_sockets.h"
#include "tests/capture/program_paths.h"
#include "tests/capture/proving_value.h"
#include "tests/capture/test_map.h"
#include "tests/tools/inlay_command.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::capture {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr SocketKind kUdp = {AF_INET, SOCK_DGRAM, "udp"};
constexpr size_t kSockets = 300;
constexpr uint32_t kBytes = 100;
// Of waiting: half a minute or more, since emulated machines are slow.
constexpr int kTries = 3000;

// The names of the programs and maps of captures that are in the kernel now, with repeats.
size_t LoadedByCaptures() {
  constexpr std::array kPrograms = {
      "values_by_file", "values_by_map",    "locked_by_file",  "locked_by_map",  "count_in_map",
      "fold_in_map",    "fold_copy_in_map", "sockets_by_file", "sockets_of_tcp", "sockets_of_udp"};
  size_t count = 0;
  for (uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const live_kernel::FileDescriptor fd(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info = {};
    uint32_t bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    for (const char* const name : kPrograms) {
      count += std::string_view(info.name) == std::string_view(name).substr(0, 15) ? 1 : 0;
    }
  }
  for (uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    const live_kernel::FileDescriptor fd(bpf_map_get_fd_by_id(id));
    bpf_map_info info = {};
    uint32_t bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    count += std::string_view(info.name).starts_with("inlay_ca.") ? 1 : 0;
  }
  return count;
}

// The kernel frees them shortly after the process.
bool NothingIsLoaded() {
  for (int tries = 0; tries < 100; ++tries) {
    if (LoadedByCaptures() == 0) return true;
    std::this_thread::sleep_for(milliseconds(30));
  }
  return false;
}

class CaptureCommandTest : public InlayCommandTest {
 protected:
  CaptureCommandTest() : map_(MakeTestMap({.name = "inlay_cap_cmd", .value_bytes = kBytes})) {
    sockets_.Open(kUdp, kSockets, 0, map_.fd.get(), kBytes);
  }
  ~CaptureCommandTest() override { EXPECT_TRUE(NothingIsLoaded()); }

  std::string MapId() const { return std::to_string(map_.id); }

  // Starts the command, without a shell between. The command inherits that `ignored` is ignored.
  pid_t Start(const std::vector<std::string>& arguments, int ignored = 0) {
    const pid_t process = fork();
    if (process != 0) return process;
    if (ignored != 0) std::signal(ignored, SIG_IGN);
    std::vector<char*> words = {const_cast<char*>("inlay")};
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    execv(INLAY_COMMAND, words.data());
    _exit(126);
  }

  // The number of values in each snapshot of a capture file. Checks that every value proves itself.
  std::vector<size_t> Snapshots(const std::string& path) {
    std::vector<size_t> counts;
    auto source = analysis::OpenRecords({path}, {});
    EXPECT_TRUE(source.ok()) << source.status();
    if (!source.ok()) return counts;
    for (bool more = true; more;) {
      counts.push_back(0);
      analysis::RecordBlock block;
      for (;;) {
        const absl::StatusOr<bool> next = (*source)->Next(block);
        EXPECT_TRUE(next.ok()) << next.status();
        if (!next.ok() || !*next) break;
        for (size_t i = 0; i < block.size(); ++i) {
          EXPECT_LT(ProvenNumber(block[i]).value_or(~0u), kSockets);
        }
        counts.back() += block.size();
      }
      const absl::StatusOr<bool> next = (*source)->NextSnapshot();
      EXPECT_TRUE(next.ok()) << next.status();
      more = next.ok() && *next;
    }
    return counts;
  }

  // Ends the process if it does not end within a minute. Returns what waitpid() says.
  static int Wait(pid_t process) {
    int status = 0;
    for (int tries = 0; tries < kTries; ++tries) {
      if (waitpid(process, &status, WNOHANG) == process) return status;
      std::this_thread::sleep_for(milliseconds(20));
    }
    ADD_FAILURE() << "it does not end";
    kill(process, SIGKILL);
    waitpid(process, &status, 0);
    return status;
  }

  static std::vector<std::string> FilesIn(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string NewFolder(const std::string& name) {
    const std::string folder = files_.Path(name);
    std::filesystem::create_directory(folder);
    return folder;
  }

  TestMap map_;
  HeldSockets sockets_;
};

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

TEST_F(CaptureCommandTest, ASeriesOfSnapshots) {
  const std::string file = files_.Path("series.inlay");
  const Outcome outcome =
      Inlay("capture --map-id " + MapId() + " --follow 0.5 --interval 0.2 -o " + file);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Snapshots(file), std::vector<size_t>(3, kSockets));
}

TEST_F(CaptureCommandTest, ASignalFinishesASeries) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string folder = NewFolder("signal" + std::to_string(signal));
    const std::string file = folder + "/series.inlay";
    const pid_t process =
        Start({"capture", "--map-id", MapId(), "--follow", "100", "--interval", "0.1", "-o", file});
    for (int tries = 0; tries < kTries && !std::filesystem::exists(file); ++tries) {
      std::this_thread::sleep_for(milliseconds(20));
    }
    std::this_thread::sleep_for(milliseconds(150));
    kill(process, signal);
    int status = 0;
    waitpid(process, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    const std::vector<size_t> counts = Snapshots(file);
    ASSERT_FALSE(counts.empty());
    EXPECT_EQ(counts, std::vector<size_t>(counts.size(), kSockets));
    EXPECT_EQ(FilesIn(folder), std::vector<std::string>{"series.inlay"});
    EXPECT_TRUE(NothingIsLoaded());
  }
}

TEST_F(CaptureCommandTest, ASignalLeavesNothingBehind) {
  const std::string folder = NewFolder("interrupted");
  for (const int after_ms : {1, 5, 10, 20, 40, 80}) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      const std::string file = folder + "/now.inlay";
      const pid_t process = Start({"capture", "--map-id", MapId(), "-o", file});
      std::this_thread::sleep_for(milliseconds(after_ms));
      kill(process, signal);
      int status = 0;
      waitpid(process, &status, 0);
      const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      EXPECT_TRUE(done || (WIFSIGNALED(status) && WTERMSIG(status) == signal)) << status;
      EXPECT_EQ(FilesIn(folder),
                done ? std::vector<std::string>{"now.inlay"} : std::vector<std::string>{});
      if (done) {
        EXPECT_EQ(Snapshots(file), std::vector<size_t>{kSockets});
        std::filesystem::remove(file);
      }
    }
  }
  EXPECT_TRUE(NothingIsLoaded());
}

// The capture has walked and blocks in a write. It must end by the signal, and not go on when the
// pipe is read.
TEST_F(CaptureCommandTest, ASignalEndsACaptureWhosePipeIsFull) {
  constexpr int kFull = 7 * 4096;  // more than both descriptions
  const std::string pipe = files_.Path("full");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const int signal : {SIGTERM, SIGINT}) {
    const live_kernel::FileDescriptor reader(open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    ASSERT_GE(fcntl(reader.get(), F_SETPIPE_SZ, 32768), 32768);
    const pid_t process = Start({"capture", "--map-id", MapId(), "-o", pipe});
    int filled = 0;
    for (int tries = 0; tries < kTries && filled < kFull; ++tries) {
      std::this_thread::sleep_for(milliseconds(20));
      ioctl(reader.get(), FIONREAD, &filled);
    }
    ASSERT_GE(filled, kFull);
    kill(process, signal);
    const int status = Wait(process);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
  }
  EXPECT_TRUE(NothingIsLoaded());
}

// Opening a pipe without a reader blocks.
TEST_F(CaptureCommandTest, ASignalEndsACaptureThatWaitsForAReader) {
  const std::string pipe = files_.Path("unread");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // The signal comes at any moment: before the capture waits, too.
  for (const int wait_ms : {0, 1, 10, 100}) {
    const pid_t process = Start({"capture", "--map-id", MapId(), "-o", pipe});
    for (int tries = 0; tries < kTries && LoadedByCaptures() == 0; ++tries) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    std::this_thread::sleep_for(milliseconds(wait_ms));
    kill(process, SIGTERM);
    const int status = Wait(process);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
  }
}

TEST_F(CaptureCommandTest, ASignalThatWasIgnoredStaysIgnored) {
  const std::string file = files_.Path("series.inlay");
  const pid_t process = Start(
      {"capture", "--map-id", MapId(), "--follow", "1", "--interval", "0.4", "-o", file}, SIGHUP);
  for (int tries = 0; tries < kTries && !std::filesystem::exists(file); ++tries) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  kill(process, SIGHUP);
  const int status = Wait(process);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_GE(Snapshots(file).size(), 2u) << "one, if the signal ended it";
}

// Every snapshot takes longer than the interval.
TEST_F(CaptureCommandTest, ASeriesEndsWhenItShould) {
  const std::string inlay = "'" + std::string(INLAY_COMMAND) + "'";
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = Shell("{ " + inlay + " capture --map-id " + MapId() +
                                " --follow 1 --interval 0.0001 -o - ; } | wc -c");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_LT(took.count(), 3);
}

// Each snapshot of --method fold loads its program anew, for which it needs descriptors.
TEST_F(CaptureCommandTest, ASnapshotThatFailsEndsASeriesWell) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer opens pipes to look at memory, and ends the process without them";
#endif
#endif
  const std::string file = files_.Path("series.inlay");
  const pid_t process = Start({"capture", "--map-id", MapId(), "--method", "fold", "--follow",
                               "100", "--interval", "0.3", "-o", file});
  for (int tries = 0; tries < kTries && !std::filesystem::exists(file); ++tries) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  const rlimit none = {0, 0};
  ASSERT_EQ(prlimit(process, RLIMIT_NOFILE, &none, nullptr), 0);
  const int status = Wait(process);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 2) << status;
  const Outcome analyzed = Inlay("analyze " + file);
  EXPECT_EQ(analyzed.exit_code, 0) << analyzed.err;
  EXPECT_NE(analyzed.err.find("is partial: "), std::string::npos) << analyzed.err;
  EXPECT_EQ(analyzed.err.find("no block that ends the capture"), std::string::npos) << analyzed.err;
}

TEST_F(CaptureCommandTest, KilledItLeavesNothingInTheKernel) {
  const pid_t process =
      Start({"capture", "--map-id", MapId(), "--follow", "100", "-o", "/dev/null"});
  for (int tries = 0; tries < kTries && LoadedByCaptures() == 0; ++tries) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_GT(LoadedByCaptures(), 0u);
  kill(process, SIGKILL);
  waitpid(process, nullptr, 0);
  EXPECT_TRUE(NothingIsLoaded());
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
  ExpectFailure("capture --map-id " + MapId() + " --follow 0 -o " + file, "seconds above 0");
  EXPECT_FALSE(std::filesystem::exists(file));
  const TestMap twin = MakeTestMap({.name = "inlay_cap_cmd", .value_bytes = kBytes});
  ExpectFailure("capture --map inlay_cap_cmd -o " + file, "2 maps have this name");
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  const live_kernel::FileDescriptor ring(
      bpf_map_create(BPF_MAP_TYPE_RINGBUF, "inlay_cap_ring", 0, 0, 4096, &options));
  ExpectFailure("capture --map inlay_cap_ring -o " + file, "is of type ringbuf");
}

TEST_F(CaptureCommandTest, AMapThatNobodyElseHasAnyMoreStaysForTheCapture) {
  const std::string file = files_.Path("series.inlay");
  const pid_t process =
      Start({"capture", "--map-id", MapId(), "--follow", "1", "--interval", "0.4", "-o", file});
  for (int tries = 0; tries < kTries && !std::filesystem::exists(file); ++tries) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  map_ = TestMap();
  int status = 0;
  waitpid(process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(Snapshots(file).size(), 3u);
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
    // A user who may read and not write.
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
