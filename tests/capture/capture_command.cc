#include "tests/capture/capture_command.h"

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string_view>

#include "engine/live_kernel/file_descriptor.h"
#include "tests/capture/proving_value.h"
#include "tests/capture/started_command.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::capture {
namespace {

constexpr SocketKind kUdp = {AF_INET, SOCK_DGRAM, "udp"};

}  // namespace

size_t LoadedByCaptures() {
  constexpr std::array kPrograms = {"values_by_file",   "values_by_map",   "locked_by_file",
                                    "locked_by_map",    "count_in_map",    "fold_in_map",
                                    "fold_copy_in_map", "sockets_by_file", "sockets_of_tcp",
                                    "sockets_of_udp",   "indexed_by_file", "indexed_by_map",
                                    "indexed_of_tcp",   "indexed_of_udp",  "indexed_of_unix"};
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

bool NothingIsLoaded() {
  return Eventually([] { return LoadedByCaptures() == 0; });
}

CaptureCommandTest::CaptureCommandTest()
    : map_(MakeTestMap({.name = "inlay_cap_cmd", .value_bytes = kBytes})) {
  sockets_.Open(kUdp, kSockets, 0, map_.fd.get(), kBytes);
}

CaptureCommandTest::~CaptureCommandTest() { EXPECT_TRUE(NothingIsLoaded()); }

std::vector<size_t> CaptureCommandTest::Snapshots(const std::string& path) {
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

std::string CaptureCommandTest::NewFolder(const std::string& name) {
  std::string folder = files_.Path(name);
  std::filesystem::create_directory(folder);
  return folder;
}

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace inlay::capture
