// Maps of inlay.bpf.h on the running kernel: a capture has the value of every socket once, and
// `inlay maps` lists each as one map.

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "inlay/bpf_map_state.h"
#include "inlay/live_map.h"
#include "tests/capture/inlay_maps.h"
#include "tests/capture/program_paths.h"
#include "tests/capture/started_command.h"
#include "tests/tools/inlay_command.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/map_list.h"

INLAY_EMBED_OBJECT(inlay_maps_object)

namespace inlay::capture {
namespace {

using live_kernel::FileDescriptor;
using nlohmann::json;

// How many sockets a capture has with each rate.
using Rates = std::map<uint64_t, uint64_t>;

struct CloseBpfObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using LoadedMaps = std::unique_ptr<bpf_object, CloseBpfObject>;

LoadedMaps LoadMaps() {
  const std::span<const std::byte> embedded = inlay_maps_object();
  LoadedMaps object(bpf_object__open_mem(embedded.data(), embedded.size(), nullptr));
  if (object == nullptr || bpf_object__load(object.get()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot load the maps");
  }
  return object;
}

// Whether a map of this test is in the kernel.
bool HasMaps() {
  for (uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    const FileDescriptor fd(bpf_map_get_fd_by_id(id));
    bpf_map_info info = {};
    uint32_t bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    if (std::string_view(info.name).starts_with("cap_policies")) return true;
  }
  return false;
}

class LiveInlayMaps : public InlayCommandTest {
 protected:
  // The kernel frees those of the test before shortly after its programs.
  LiveInlayMaps() {
    EXPECT_TRUE(Eventually([] { return !HasMaps(); }));
    object_ = LoadMaps();
  }
  static std::unique_ptr<LiveMap> OpenLive(const LoadedMaps& object, const std::string& name) {
    std::unique_ptr<LiveMap> map;
    EXPECT_EQ(LiveMap::Open(object.get(), name, &map), Status::kOk);
    return map;
  }
  static uint32_t IdOf(const LoadedMaps& object, const std::string& name) {
    bpf_map_info info = {};
    uint32_t bytes = sizeof(info);
    const int fd = bpf_object__find_map_fd_by_name(object.get(), name.c_str());
    EXPECT_EQ(bpf_obj_get_info_by_fd(fd, &info, &bytes), 0) << name;
    return info.id;
  }
  static CapPolicy PolicyOf(uint64_t rate) { return {rate, rate + 1, {rate, rate, rate, rate}}; }
  static void Give(LiveMap& map, const FileDescriptor& fd, uint64_t rate) {
    const CapPolicy policy = PolicyOf(rate);
    ASSERT_EQ(map.Set(fd.get(), std::as_bytes(std::span(&policy, 1))), Status::kOk);
  }
  // A value in a socket's own storage, of which the mark says nothing.
  static void GiveOwn(const LoadedMaps& object, const std::string& name, const FileDescriptor& fd,
                      uint64_t rate) {
    const CapPolicy policy = PolicyOf(rate);
    const int key = fd.get();
    const int map_fd = bpf_object__find_map_fd_by_name(object.get(), name.c_str());
    ASSERT_EQ(bpf_map_update_elem(map_fd, &key, &policy, BPF_ANY), 0);
  }
  const FileDescriptor& Open(int family, int type, int protocol = 0) {
    sockets_.emplace_back(socket(family, type | SOCK_CLOEXEC, protocol));
    EXPECT_TRUE(sockets_.back().ok());
    return sockets_.back();
  }
  // Every way in which a socket may have a value: 2 of rate 1, 1 of 2, 1 of 3, the last index; and
  // 2 of rate 4 and 1 of 5, which are spilled.
  void OpenAll(LiveMap& map) {
    Give(map, Open(AF_INET, SOCK_DGRAM), 1);
    Give(map, Open(AF_INET6, SOCK_STREAM), 1);
    Give(map, Open(AF_UNIX, SOCK_STREAM), 2);
    Give(map, Open(AF_INET, SOCK_RAW, IPPROTO_ICMP), 3);
    Give(map, Open(AF_INET, SOCK_DGRAM), 4);
    Give(map, Open(AF_INET6, SOCK_DGRAM), 4);
    Give(map, Open(AF_UNIX, SOCK_DGRAM), 5);
    Open(AF_INET, SOCK_DGRAM);  // without a value
    const LiveMap::Statistics statistics = map.CountValues();
    EXPECT_EQ(statistics.values, 3u);
    EXPECT_EQ(statistics.spilled, 3u);
  }
  // A connection that nobody has accepted has its listener's mark, and no descriptor.
  void OpenUnaccepted(LiveMap& map, uint64_t rate) {
    const FileDescriptor& listener = Open(AF_INET, SOCK_STREAM);
    Give(map, listener, rate);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof(address);
    auto* const at = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(listener.get(), at, bytes), 0);
    ASSERT_EQ(listen(listener.get(), 8), 0);
    ASSERT_EQ(getsockname(listener.get(), at, &bytes), 0);
    ASSERT_EQ(connect(Open(AF_INET, SOCK_STREAM).get(), at, bytes), 0);
  }

  static CaptureOptions ById(uint32_t id, Method method = Method::kAuto) {
    CaptureOptions options;
    options.target = CaptureOptions::Target::kMapId;
    options.id = id;
    options.method = method;
    return options;
  }
  static CaptureOptions ByName(const std::string& name) {
    CaptureOptions options;
    options.name = name;
    return options;
  }
  Rates Captured(const CaptureOptions& options) {
    Rates rates;
    absl::StatusOr<std::unique_ptr<CaptureSource>> source = OpenCapture(options);
    EXPECT_TRUE(source.ok()) << source.status();
    if (!source.ok()) return rates;
    described_ = (*source)->description();
    const absl::StatusOr<SnapshotResult> result =
        (*source)->Take([&](std::span<const uint8_t> bytes, uint64_t copies) {
          CapPolicy policy = {};
          EXPECT_EQ(bytes.size(), sizeof(policy));
          std::memcpy(&policy, bytes.data(), std::min(bytes.size(), sizeof(policy)));
          const CapPolicy whole = PolicyOf(policy.rate);
          EXPECT_EQ(std::memcmp(&policy, &whole, sizeof(policy)), 0) << policy.rate;
          rates[policy.rate] += copies;
          return absl::OkStatus();
        });
    EXPECT_TRUE(result.ok()) << result.status();
    return rates;
  }

  LoadedMaps object_;
  std::deque<FileDescriptor> sockets_;
  CaptureDescription described_;
};

TEST_F(LiveInlayMaps, EverySocketHasItsValue) {
  const std::unique_ptr<LiveMap> map = OpenLive(object_, "cap_policies");
  OpenAll(*map);
  const Rates all = {{1, 2}, {2, 1}, {3, 1}, {4, 2}, {5, 1}};
  const uint32_t id = IdOf(object_, "cap_policies");
  EXPECT_EQ(Captured(ById(id)), all);
  EXPECT_EQ(described_.map_name, "cap_policies");
  EXPECT_EQ(described_.map_id, id);
  EXPECT_EQ(described_.map_type, "inlay_map");
  EXPECT_EQ(described_.value_type, "struct CapPolicy");
  ASSERT_EQ(described_.fields.size(), 6u);
  EXPECT_EQ(described_.fields[1].name, "priority");
  EXPECT_EQ(Captured(ByName("cap_policies")), all);
  EXPECT_EQ(Captured(ById(id, Method::kFd)), all);
  EXPECT_EQ(described_.method, "iter/task_file");
}

TEST_F(LiveInlayMaps, SocketsWithoutADescriptor) {
  const std::unique_ptr<LiveMap> map = OpenLive(object_, "cap_policies");
  OpenUnaccepted(*map, 7);
  const uint32_t id = IdOf(object_, "cap_policies");
  EXPECT_EQ(Captured(ById(id)), (Rates{{7, 2}}));
  EXPECT_EQ(Captured(ById(id, Method::kFd)), (Rates{{7, 1}}));
}

TEST_F(LiveInlayMaps, NothingWithoutValues) {
  Open(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(Captured(ByName("cap_policies")), Rates());
}

// Others may use the bits in sockets of their own.
TEST_F(LiveInlayMaps, NothingOfIndexesThatNobodyUses) {
  const std::unique_ptr<LiveMap> map = OpenLive(object_, "cap_policies");
  Give(*map, Open(AF_INET, SOCK_DGRAM), 1);
  const CapPolicy free_policy = PolicyOf(2);
  uint32_t index = 0;
  ASSERT_EQ(map->Intern(std::as_bytes(std::span(&free_policy, 1)), &index), Status::kOk);
  for (uint32_t code = 0; code <= map->field().most_code(); ++code) {
    const uint32_t mark = map->field().Put(0, code);
    const int fd = Open(AF_INET, SOCK_DGRAM).get();
    ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
  }
  EXPECT_EQ(Captured(ByName("cap_policies")), (Rates{{1, 2}, {2, 1}}));
  // Makes an index free, as the collector does.
  const auto fd_of = [&](const char* part) {
    return bpf_object__find_map_fd_by_name(object_.get(), part);
  };
  std::vector<uint8_t> state(
      bpf_map__value_size(bpf_object__find_map_by_name(object_.get(), ".data.cap_policies_state")));
  const uint32_t first = 0;
  const int state_fd = fd_of(".data.cap_policies_state");
  ASSERT_EQ(bpf_map_lookup_elem(state_fd, &first, state.data()), 0);
  inlay_map_state head = {};
  std::memcpy(&head, state.data(), sizeof(head));
  state[head.hints_offset + index - 1] = INLAY_HINT_FREE;
  ASSERT_EQ(bpf_map_update_elem(state_fd, &first, state.data(), BPF_ANY), 0);
  EXPECT_EQ(Captured(ByName("cap_policies")), (Rates{{1, 2}}));
}

// The parts of two maps have the same names in the kernel, and all of them exist twice.
TEST_F(LiveInlayMaps, EachOfMapsWithTheSameNames) {
  const LoadedMaps twin = LoadMaps();
  Give(*OpenLive(object_, "cap_policies_in"), Open(AF_INET, SOCK_DGRAM), 1);
  Give(*OpenLive(object_, "cap_policies_out"), Open(AF_INET, SOCK_DGRAM), 2);
  Give(*OpenLive(twin, "cap_policies_in"), Open(AF_INET, SOCK_DGRAM), 3);
  // An index is only that of a value in its own map; all of these are index 1.
  EXPECT_EQ(Captured(ById(IdOf(object_, "cap_policies_in"))), (Rates{{1, 2}}));
  EXPECT_EQ(Captured(ById(IdOf(object_, "cap_policies_out"))), (Rates{{2, 1}}));
  EXPECT_EQ(Captured(ById(IdOf(twin, "cap_policies_in"))), (Rates{{3, 2}}));
  const auto ambiguous = OpenCapture(ByName("cap_policies_in"));
  EXPECT_TRUE(absl::IsInvalidArgument(ambiguous.status())) << ambiguous.status();
}

TEST_F(LiveInlayMaps, ByANameOfWhichTheKernelKeepsAPart) {
  Give(*OpenLive(object_, "cap_policies_in"), Open(AF_INET, SOCK_DGRAM), 1);
  Give(*OpenLive(object_, "cap_policies_out"), Open(AF_INET, SOCK_DGRAM), 2);
  EXPECT_EQ(Captured(ByName("cap_policies_in")), (Rates{{1, 1}}));
  EXPECT_EQ(described_.map_name, "cap_policies_in");
  EXPECT_EQ(Captured(ByName("cap_policies_out")), (Rates{{2, 1}}));
  EXPECT_EQ(described_.map_name, "cap_policies_out");
}

// A get reads a socket's own storage only where the code says so, or says nothing in a map of
// INLAY_MAP_OF_PACKETS().
TEST_F(LiveInlayMaps, AStorageBesideTheCode) {
  const FileDescriptor& indexed = Open(AF_INET, SOCK_DGRAM);
  Give(*OpenLive(object_, "cap_policies"), indexed, 1);
  GiveOwn(object_, "cap_policies", indexed, 2);
  GiveOwn(object_, "cap_policies", Open(AF_INET, SOCK_DGRAM), 3);
  EXPECT_EQ(Captured(ByName("cap_policies")), (Rates{{1, 1}}));
  GiveOwn(object_, "cap_policies_out", Open(AF_INET, SOCK_DGRAM), 4);
  EXPECT_EQ(Captured(ByName("cap_policies_out")), (Rates{{4, 1}}));
}

TEST_F(LiveInlayMaps, MethodsThatSeeOnlyOwnValues) {
  for (const Method method : {Method::kMap, Method::kFold}) {
    const auto source = OpenCapture(ById(IdOf(object_, "cap_policies"), method));
    EXPECT_TRUE(absl::IsInvalidArgument(source.status())) << source.status();
    EXPECT_NE(source.status().message().find("use auto or fd"), std::string::npos);
  }
}

TEST_F(LiveInlayMaps, AreListedAsOne) {
  OpenAll(*OpenLive(object_, "cap_policies"));
  const Outcome outcome = Inlay("maps --json");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<uint32_t> parts;
  for (const char* const part : {"cap_policies", "cap_policies_codes", "cap_policies_free",
                                 ".data.cap_policies", ".data.cap_policies_state"}) {
    parts.push_back(IdOf(object_, part));
  }
  std::sort(parts.begin(), parts.end());
  size_t found = 0;
  const json list = json::parse(outcome.out);
  for (const json& map : list["maps"]) {
    if (std::find(parts.begin(), parts.end(), map["id"].get<uint32_t>()) == parts.end()) continue;
    ++found;
    EXPECT_EQ(map["id"], IdOf(object_, "cap_policies"));
    EXPECT_EQ(map["name"], "cap_policies");
    EXPECT_EQ(map["kind"], "inlay_map");
    EXPECT_EQ(map["value_bytes"], sizeof(CapPolicy));
    EXPECT_EQ(map["value_type"], "struct CapPolicy");
    EXPECT_EQ(map["entries"], 3);
    EXPECT_EQ(map["most_values"], kMostCapPolicies);
    EXPECT_EQ(map["mark_shift"], 23);
    EXPECT_EQ(map["mark_width"], 3);
    EXPECT_EQ(map["spilled_sockets"], 3);
    EXPECT_EQ(map["part_ids"].get<std::vector<uint32_t>>(), parts);
    EXPECT_EQ(map["memlock_bytes"].get<uint64_t>(),
              OpenLive(object_, "cap_policies")->KernelBytes());
  }
  EXPECT_EQ(found, 1u) << outcome.out;
  const Outcome text = Inlay("maps");
  EXPECT_NE(text.out.find("inlay_map (bits 23-25)"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("3 of 3"), std::string::npos) << text.out;
}

TEST_F(LiveInlayMaps, AnalyzeNamesTheFieldsAndEndsWithTheMap) {
  const std::unique_ptr<LiveMap> map = OpenLive(object_, "cap_policies");
  for (uint64_t i = 0; i < 60; ++i) Give(*map, Open(AF_INET, SOCK_DGRAM), 1 + i % 3);
  const Outcome outcome = Inlay("capture --map cap_policies --analyze");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("rate"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("INLAY_MAP(cap_policies, struct CapPolicy, "), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("share the values of cap_policies already"), std::string::npos)
      << outcome.out;
}

// By a user who may not look for other maps. In a mount namespace of its own.
TEST_F(LiveInlayMaps, ByItsPins) {
  const std::unique_ptr<LiveMap> map = OpenLive(object_, "cap_policies");
  OpenAll(*map);
  const std::string folder = files_.Path("bpffs");
  std::filesystem::create_directory(folder);
  const pid_t process = fork();
  if (process == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("bpf", folder.c_str(), "bpf", 0, nullptr) != 0 || map->Pin(folder) != Status::kOk) {
      _exit(1);
    }
    const std::string capture =
        "setpriv --bounding-set -all,+bpf,+perfmon --inh-caps "
        "-all,+bpf,+perfmon '" +
        std::string(INLAY_COMMAND) + "' capture --analyze --json --pinned ";
    const Outcome beside = Shell(capture + folder + "/cap_policies_storage");
    const bool all = beside.exit_code == 0 && json::parse(beside.out)["records"] == 7;
    std::filesystem::rename(folder + "/cap_policies_storage", folder + "/alone");
    const Outcome alone = Shell(capture + folder + "/alone");
    const bool doubted =
        alone.err.find("only the values in sockets' own storage") != std::string::npos;
    const Outcome root = Inlay("capture --analyze --json --pinned " + folder + "/alone");
    const bool found = root.exit_code == 0 && json::parse(root.out)["records"] == 7;
    if (!all || !doubted || !found) {
      std::fprintf(stderr, "%s%s%s%s", beside.err.c_str(), beside.out.c_str(), alone.err.c_str(),
                   root.err.c_str());
    }
    _exit(all && doubted && found ? 0 : 2);
  }
  int status = 0;
  waitpid(process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace inlay::capture
