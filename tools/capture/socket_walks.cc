#include "tools/capture/socket_walks.h"

#include <iterator>
#include <map>
#include <span>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/capture/system/capabilities.h"
#include "tools/capture/system/first_namespace.h"
#include "tools/capture/system/net_namespaces.h"
#include "tools/capture/walk/buffered_sockets.h"

namespace inlay::capture {
namespace {

constexpr char kByFile[] = "task_file";
constexpr char kOverStorage[] = "bpf_sk_storage_map";

bool IsOfNetNamespace(const std::string& iterator) {
  return iterator != kByFile && iterator != kOverStorage;
}

void AddTo(const WalkProgress& of_walk, WalkProgress* total) {
  total->visited += of_walk.visited;
  total->pauses += of_walk.pauses;
  for (size_t i = 0; i < std::size(total->absent); ++i) total->absent[i] |= of_walk.absent[i];
}

}  // namespace

absl::StatusOr<std::unique_ptr<SocketWalks>> SocketWalks::Open(Options options) {
  std::unique_ptr<SocketWalks> walks(new SocketWalks(std::move(options)));
  absl::Status status = walks->ChooseWalks();
  if (!status.ok()) return status;
  if (!InFirstPidNamespace()) {
    walks->gaps_.push_back(
        "this process is in a PID namespace of its own: descriptors of other processes are not "
        "seen");
  }
  status = walks->Load();
  if (!status.ok()) return status;
  return walks;
}

absl::Status SocketWalks::ChooseWalks() {
  std::vector<Walk> wanted = {{kByFile, "_by_file"}};
  if (options_.over_storage) wanted.push_back({kOverStorage, "_by_map"});
  if (!options_.only_by_file) {
    wanted.push_back({"tcp", "_of_tcp"});
    wanted.push_back({"udp", "_of_udp"});
    wanted.push_back({"unix", "_of_unix"});
  }
  for (const Walk& walk : wanted) {
    const absl::StatusOr<bool> has = KernelHasIterator(walk.iterator);
    if (!has.ok()) return has.status();
    if (!*has) {
      gaps_.push_back(absl::StrCat("this kernel has no iterator '", walk.iterator,
                                   "': the snapshot misses some sockets"));
      continue;
    }
    walks_.push_back({walk.iterator, options_.programs + walk.program});
  }
  if (walks_.empty()) {
    return absl::FailedPreconditionError("this kernel is too old: it has no iterator over sockets");
  }
  return absl::OkStatus();
}

absl::Status SocketWalks::Load() {
  WalkPrograms::Options load = options_.load;
  for (const Walk& walk : walks_) load.programs.push_back(walk.program);
  load.most_records = BufferedSockets(load.value_bytes, options_.buffer_bytes);
  std::map<std::string, std::string> refused;
  absl::StatusOr<std::unique_ptr<WalkPrograms>> loaded =
      WalkPrograms::LoadSome(std::move(load), &refused);
  if (!loaded.ok()) return loaded.status();
  programs_ = *std::move(loaded);
  std::erase_if(walks_, [&](const Walk& walk) {
    const auto why = refused.find(walk.program);
    if (why == refused.end()) return false;
    gaps_.push_back(absl::StrCat("the snapshot misses some sockets: ", why->second));
    return true;
  });
  return absl::OkStatus();
}

std::string SocketWalks::Method() const {
  std::vector<std::string> names;
  for (const Walk& walk : walks_) names.push_back(absl::StrCat("iter/", walk.iterator));
  return absl::StrJoin(names, ", ");
}

absl::StatusOr<WalkProgress> SocketWalks::Take(const ValueSink& sink, SnapshotResult* result) {
  for (const std::string& gap : gaps_) result->AddGap(gap);
  absl::flat_hash_set<uint64_t> seen;
  const auto on_record = [&](uint64_t cookie, std::span<const uint8_t> value) {
    if (!seen.insert(cookie).second) return absl::OkStatus();
    ++result->values;
    return sink(value, 1);
  };
  WalkProgress total = {};
  for (const Walk& walk : walks_) {
    if (IsOfNetNamespace(walk.iterator)) continue;
    const bool by_file = walk.iterator == kByFile;
    const absl::StatusOr<WalkProgress> progress = programs_->Walk(
        walk.program, {.map_fd = by_file ? -1 : options_.load.storage_map_fd},
        by_file ? WalkPrograms::kOftenBytes : WalkPrograms::kSeldomBytes, on_record, options_.stop);
    if (!progress.ok()) return progress.status();
    AddTo(*progress, &total);
    if (!by_file && progress->pauses != 0) {
      result->AddGap(
          "the walk over the values in sockets' own storage paused, and may have missed some");
    }
  }
  if (options_.only_by_file) return total;
  const absl::Status status = WalkNetNamespaces(on_record, result, &total);
  if (!status.ok()) return status;
  return total;
}

absl::Status SocketWalks::WalkNetNamespaces(const WalkPrograms::OnRecord& on_record,
                                            SnapshotResult* result, WalkProgress* total) {
  size_t refused = 0;
  size_t not_entered = 0;
  absl::Status first_refusal;
  WalkProgress in_namespaces = {};
  const std::vector<live_kernel::FileDescriptor> net_namespaces = OpenNetNamespaces(&refused);
  for (size_t i = 0; i < net_namespaces.size(); ++i) {
    bool entered = false;
    absl::Status status;
    const auto walk_here = [&] {
      entered = true;
      return WalkNetNamespace(on_record, &in_namespaces);
    };
    // The first namespace is our own: no need to enter it.
    status = i == 0 ? walk_here() : InNetNamespace(net_namespaces[i], walk_here);
    if (!status.ok() && entered) return status;
    if (!status.ok()) {
      ++not_entered;
      first_refusal = status;
    }
  }
  AddTo(in_namespaces, total);
  if (not_entered != 0) {
    result->AddGap(absl::StrCat(not_entered, " network namespaces could not be entered (",
                                std::string(first_refusal.message()),
                                "): the snapshot misses their sockets without a descriptor"));
  }
  if (in_namespaces.pauses != 0) {
    result->AddGap(
        "a walk over the sockets of one protocol paused, and may have missed some that have no "
        "descriptor");
  }
  if (refused != 0) {
    const bool may_ask = MissingCapabilities({Capability::kSysPtrace}).empty();
    result->AddGap(absl::StrCat(
        refused, refused == 1 ? " process does not reveal its" : " processes do not reveal their",
        " network namespace", may_ask ? "" : ", because inlay lacks CAP_SYS_PTRACE",
        ": sockets without a descriptor are missing in each namespace that no other process "
        "reveals"));
  }
  return absl::OkStatus();
}

absl::Status SocketWalks::WalkNetNamespace(const WalkPrograms::OnRecord& on_record,
                                           WalkProgress* total) {
  for (const Walk& walk : walks_) {
    if (!IsOfNetNamespace(walk.iterator)) continue;
    const absl::StatusOr<WalkProgress> progress =
        programs_->Walk(walk.program, {}, WalkPrograms::kSeldomBytes, on_record, options_.stop);
    if (!progress.ok()) return progress.status();
    AddTo(*progress, total);
  }
  return absl::OkStatus();
}

}  // namespace inlay::capture
