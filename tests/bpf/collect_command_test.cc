// `inlay collect` on pinned maps of the running kernel, in a BPF file system and a mount namespace
// of its own.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_network.h"
#include "engine/metrics/open_metrics.h"
#include "inlay/live_map.h"
#include "tests/bpf/every_context.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

INLAY_EMBED_OBJECT(inlay_pinned_object)

namespace inlay::live_maps {
namespace {

using live_kernel::FileDescriptor;
using testing::HasSubstr;

struct Output {
  int exit_code = -1;
  std::string text = {};
};

Output RunShell(const std::string& command) {
  Output output;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  for (int c = 0; (c = fgetc(pipe)) != EOF;) output.text += static_cast<char>(c);
  const int ended = pclose(pipe);
  output.exit_code = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return output;
}

// What the strict parser of the format's makers reads; nothing if it is not installed.
Output ReadMetrics(const std::string& file) {
  return RunShell(std::string(INLAY_PYTHON) + " " + INLAY_READ_METRICS + " " + file);
}
bool CannotRead(const Output& output) { return output.exit_code == 77 || output.exit_code == 127; }

class CollectCommandTest : public testing::Test {
 protected:
  CollectCommandTest() {
    live_kernel::EnterScratchNetwork();
    EXPECT_EQ(unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQ(mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr), 0);
    EXPECT_EQ(LiveMap::Prepare(object_.get(), {}), Status::kOk);
    EXPECT_EQ(object_.Load(), 0);
    EXPECT_EQ(LiveMap::Open(object_.get(), "policies", &map_), Status::kOk);
    EXPECT_EQ(map_->Pin("/sys/fs/bpf"), Status::kOk);
    char name[] = "/tmp/inlay_collect_XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~CollectCommandTest() override {
    std::filesystem::remove_all(folder_);
    umount2("/sys/fs/bpf", MNT_DETACH);
  }

  Output Collect(const std::string& flags = "") {
    const auto self = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return RunShell((self / INLAY_COMMAND).string() +
                    " collect --pinned /sys/fs/bpf --network-namespace /proc/" +
                    std::to_string(getpid()) + "/ns/net " + flags);
  }
  void Intern(uint64_t rate) {
    const Policy policy = {rate, 0};
    uint32_t index = 0;
    EXPECT_EQ(map_->Intern(std::as_bytes(std::span(&policy, 1)), &index), Status::kOk);
    EXPECT_EQ(map_->Release(index), Status::kOk);
  }
  FileDescriptor SocketWith(uint64_t rate) {
    FileDescriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const Policy policy = {rate, 0};
    EXPECT_EQ(map_->Set(fd.get(), std::as_bytes(std::span(&policy, 1))), Status::kOk);
    return fd;
  }

  TestObject object_{inlay_pinned_object()};
  std::unique_ptr<LiveMap> map_;
  std::string folder_;
};

TEST_F(CollectCommandTest, CollectsInPinnedMaps) {
  Intern(1);
  const FileDescriptor udp = SocketWith(2);
  const Output output = Collect();
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("policies"));
  EXPECT_EQ(map_->CountValues().values, 1u) << output.text;
}

TEST_F(CollectCommandTest, SaysHowManyCameHome) {
  const FileDescriptor tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(listen(tcp.get(), 1), 0);
  for (uint64_t rate = 1; rate <= kMostPolicies; ++rate) Intern(rate);
  const Policy policy = {100, 0};
  ASSERT_EQ(map_->Set(tcp.get(), std::as_bytes(std::span(&policy, 1))), Status::kOk);
  const std::string file = folder_ + "/inlay.prom";
  const Output output = Collect("--metrics " + file);
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("came home\n"));
  EXPECT_THAT(output.text, testing::ContainsRegex("policies +0 +0 +1 +6 +0 +1\n")) << output.text;
  std::ifstream metrics(file);
  const std::string text{std::istreambuf_iterator<char>(metrics), {}};
  EXPECT_THAT(text, HasSubstr("inlay_map_came_home_total{map=\"policies\"} 1\n"));
}

TEST_F(CollectCommandTest, SaysWhoElseUsesTheMark) {
  std::ofstream("/proc/sys/net/ipv4/tcp_fwmark_accept") << 1 << std::flush;
  EXPECT_THAT(Collect().text, HasSubstr("inlay collect: warning: net.ipv4.tcp_fwmark_accept=1"));
}

TEST_F(CollectCommandTest, WritesMetrics) {
  Intern(100);
  const FileDescriptor first = SocketWith(1);
  const FileDescriptor second = SocketWith(1);
  const FileDescriptor third = SocketWith(2);
  const std::string file = folder_ + "/inlay.prom";
  std::ofstream(file) << "old\n";
  const Output output = Collect("--metrics " + file);
  EXPECT_EQ(output.exit_code, 0) << output.text;
  // Written beside it and renamed: nothing else is left.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  const Output read = ReadMetrics(file);
  if (CannotRead(read)) GTEST_SKIP() << read.text;
  ASSERT_EQ(read.exit_code, 0) << read.text;
  const std::string of_map = " {\"map\": \"policies\"} ";
  for (const std::string& line :
       {"inlay_map_values" + of_map + "2\n", "inlay_map_indexes" + of_map + "6\n",
        "inlay_map_sockets" + of_map + "3\n", "inlay_map_spilled_sockets" + of_map + "0\n",
        "inlay_map_interned_total" + of_map + "3\n", "inlay_map_freed_total" + of_map + "1\n",
        "inlay_map_socket_storage_bytes" + of_map + std::to_string(3 * (192 + 96)) + "\n",
        std::string("inlay_value_sockets {\"index\": \"2\", \"map\": \"policies\"} 2\n"),
        std::string("inlay_value_sockets {\"index\": \"3\", \"map\": \"policies\"} 1\n"),
        std::string("inlay_census_complete {} 1\n"), std::string("inlay_passes_total {} 1\n"),
        std::string("inlay_passes_incomplete_total {} 0\n"),
        std::string("inlay_map_bytes gauge bytes\n"),
        std::string("inlay_census_complete_age_seconds gauge seconds\n")}) {
    EXPECT_THAT(read.text, HasSubstr(line));
  }
}

// One that repeats begins before anything is pinned, and sees when other maps are.
TEST_F(CollectCommandTest, WaitsForMapsAndSeesWhenTheyArePinnedAnew) {
  const auto unpin = [] {
    for (const auto& pin : std::filesystem::directory_iterator("/sys/fs/bpf")) {
      if (pin.path().filename().string().starts_with("policies_")) {
        std::filesystem::remove(pin.path());
      }
    }
  };
  unpin();
  EXPECT_EQ(Collect().exit_code, 2);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto self = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const std::string command = (self / INLAY_COMMAND).string();
    execl(command.c_str(), "inlay", "collect", "--pinned", "/sys/fs/bpf", "--network-namespace",
          "/proc/self/ns/net", "--every", "0.01", static_cast<char*>(nullptr));
    _exit(1);
  }
  const auto await_collected = [](const LiveMap& map) {
    for (int i = 0; i < 3000 && map.CountValues().values != 0; ++i) usleep(20'000);
    EXPECT_EQ(map.CountValues().values, 0u);
  };
  Intern(1);
  EXPECT_EQ(map_->Pin("/sys/fs/bpf"), Status::kOk);
  await_collected(*map_);

  TestObject other{inlay_pinned_object()};
  std::unique_ptr<LiveMap> others;
  ASSERT_EQ(LiveMap::Prepare(other.get(), {}), Status::kOk);
  ASSERT_EQ(other.Load(), 0);
  ASSERT_EQ(LiveMap::Open(other.get(), "policies", &others), Status::kOk);
  map_.swap(others);
  Intern(2);
  unpin();
  EXPECT_EQ(map_->Pin("/sys/fs/bpf"), Status::kOk);
  await_collected(*map_);
  kill(child, SIGTERM);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(CollectCommandTest, AFailedCommandLeavesTheMetrics) {
  EXPECT_EQ(Collect("--metrics " + folder_).exit_code, 2);  // a folder
  EXPECT_EQ(Collect("--metrics /nowhere/inlay.prom").exit_code, 2);
}

// Whatever a label and a help have in them.
TEST(OpenMetricsTest, TheStrictParserReadsIt) {
  OpenMetrics text;
  text.Begin({.name = "inlay_odd", .unit = "bytes", .help = "A \"help\" with \\ and\na line"});
  text.Add({{"one", "a\\b\"c\nd"}, {"two", ""}}, 0.125);
  text.Add(uint64_t{1} << 53);
  text.Begin({.name = "inlay_events", .type = OpenMetrics::Type::kCounter});
  text.Add(uint64_t{7});
  text.Begin({.name = "inlay_none", .help = "Without a sample"});
  char name[] = "/tmp/inlay_metrics_XXXXXX";
  const FileDescriptor fd(mkstemp(name));
  std::ofstream(name) << std::move(text).Finish();
  const Output read = ReadMetrics(name);
  unlink(name);
  if (CannotRead(read)) GTEST_SKIP() << read.text;
  EXPECT_EQ(read.exit_code, 0);
  EXPECT_EQ(read.text,
            "inlay_odd_bytes gauge bytes\n"
            "inlay_odd_bytes {\"one\": \"a\\\\b\\\"c\\nd\", \"two\": \"\"} 0.125\n"
            "inlay_odd_bytes {} 9007199254740992\n"
            "inlay_events counter -\n"
            "inlay_events_total {} 7\n"
            "inlay_none gauge -\n");
}

}  // namespace
}  // namespace inlay::live_maps
