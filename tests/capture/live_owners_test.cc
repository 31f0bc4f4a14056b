// Values of tasks and cgroups on the running kernel: a capture has every value once, and `inlay
// maps` counts them.

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"
#include "tests/capture/proving_value.h"
#include "tests/capture/test_map.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/map_list.h"

namespace inlay::capture {
namespace {

constexpr size_t kOwners = 50;
constexpr uint32_t kBytes = 40;

// The numbers of the values that a capture of the map has.
std::multiset<uint64_t> Captured(const TestMap& map) {
  std::multiset<uint64_t> numbers;
  const absl::StatusOr<std::unique_ptr<CaptureSource>> source =
      OpenCapture({.target = CaptureOptions::Target::kMapId, .id = map.id});
  EXPECT_TRUE(source.ok()) << source.status();
  if (!source.ok()) return numbers;
  const absl::StatusOr<SnapshotResult> result =
      (*source)->Take([&](std::span<const uint8_t> value, uint64_t copies) {
        for (; copies != 0; --copies) numbers.insert(ProvenNumber(value).value_or(~0u));
        return absl::OkStatus();
      });
  EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(!result.ok() || result->complete) << result->why_incomplete;
  return numbers;
}

void ExpectListed(const TestMap& map, const std::string& type) {
  const absl::StatusOr<MapList> list = ListMaps();
  ASSERT_TRUE(list.ok()) << list.status();
  for (const ListedMap& listed : list->maps) {
    if (listed.id != map.id) continue;
    EXPECT_EQ(listed.type, type);
    EXPECT_EQ(listed.entries, kOwners);
    return;
  }
  ADD_FAILURE() << "the map is not in the list";
}

void SetValue(const TestMap& map, int key, uint64_t number) {
  const std::vector<uint8_t> value = ProvingValue(number, kBytes);
  ASSERT_EQ(bpf_map_update_elem(map.fd.get(), &key, value.data(), BPF_ANY), 0)
      << std::strerror(errno);
}

std::multiset<uint64_t> AllNumbers() {
  std::multiset<uint64_t> numbers;
  for (uint64_t i = 0; i < kOwners; ++i) numbers.insert(i);
  return numbers;
}

TEST(LiveOwners, TasksWithValues) {
  const TestMap map = MakeTestMap({.type = BPF_MAP_TYPE_TASK_STORAGE, .value_bytes = kBytes});
  std::vector<pid_t> tasks;
  for (uint64_t i = 0; i < kOwners; ++i) {
    const pid_t task = fork();
    if (task == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) pause();
    }
    tasks.push_back(task);
    const live_kernel::FileDescriptor key(static_cast<int>(syscall(SYS_pidfd_open, task, 0)));
    SetValue(map, key.get(), i);
  }
  EXPECT_EQ(Captured(map), AllNumbers());
  ExpectListed(map, "task_storage");
  for (const pid_t task : tasks) kill(task, SIGKILL);
  for (const pid_t task : tasks) waitpid(task, nullptr, 0);
}

// Where cgroup2 is mounted; empty if it is not.
std::string Cgroup2Mount() {
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device, path, type;
    words >> device >> path >> type;
    if (type == "cgroup2") return path;
  }
  return "";
}

TEST(LiveOwners, CgroupsWithValues) {
  const std::string mount = Cgroup2Mount();
  if (mount.empty()) GTEST_SKIP() << "no cgroup2 file system is mounted";
  TestMap map;
  try {
    map = MakeTestMap({.type = kCgroupStorage, .value_bytes = kBytes});
  } catch (const std::system_error& refused) {
    ASSERT_EQ(refused.code().value(), EINVAL);
    GTEST_SKIP() << "this kernel has no cgroup storage (Linux 6.2 has it)";
  }
  const std::string parent = mount + "/inlay_owners_test." + std::to_string(getpid());
  ASSERT_EQ(mkdir(parent.c_str(), 0700), 0);
  for (uint64_t i = 0; i < kOwners; ++i) {
    const std::string path = parent + "/" + std::to_string(i);
    ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
    const live_kernel::FileDescriptor key(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    SetValue(map, key.get(), i);
  }
  EXPECT_EQ(Captured(map), AllNumbers());
  ExpectListed(map, "cgrp_storage");
  for (uint64_t i = 0; i < kOwners; ++i) rmdir((parent + "/" + std::to_string(i)).c_str());
  rmdir(parent.c_str());
}

TEST(LiveOwners, InodesAreRefusedWithTheReason) {
  TestMap map;
  try {
    map = MakeTestMap({.type = BPF_MAP_TYPE_INODE_STORAGE, .value_bytes = kBytes});
  } catch (const std::system_error& refused) {
    GTEST_SKIP() << "this kernel makes no map of inode storage: " << refused.what();
  }
  const auto source = OpenCapture({.target = CaptureOptions::Target::kMapId, .id = map.id});
  ASSERT_TRUE(absl::IsInvalidArgument(source.status())) << source.status();
  EXPECT_NE(source.status().message().find("no iterator that finds inodes"), std::string::npos);
}

}  // namespace
}  // namespace inlay::capture
