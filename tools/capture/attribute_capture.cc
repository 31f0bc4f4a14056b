#include "tools/capture/attribute_capture.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/capture/attribute_fields.h"
#include "tools/capture/buffered_sockets.h"
#include "tools/capture/open_source.h"
#include "tools/capture/socket_attributes.h"
#include "tools/capture/system/capabilities.h"
#include "tools/capture/system/first_namespace.h"
#include "tools/capture/system/net_namespaces.h"
#include "tools/capture/walk_programs.h"

namespace inlay::capture {
namespace {

// The first walks over all descriptors, the others over the sockets of one network namespace.
struct Walk {
  std::string iterator;
  std::string program;
};

class AttributeCapture : public CaptureSource {
 public:
  absl::Status Open(const CaptureOptions& options) {
    if (options.method != Method::kAuto) {
      return absl::InvalidArgumentError("--method is for maps of type sk_storage");
    }
    stop_ = options.stop;
    description_.value_bytes = sizeof(SocketAttributes);
    description_.fields = AttributeFields();
    description_.source = "sockets";
    description_.value_type = "struct SocketAttributes";
    const std::vector<Walk> all = {{"task_file", "sockets_by_file"},
                                   {"tcp", "sockets_of_tcp"},
                                   {"udp", "sockets_of_udp"},
                                   {"unix", "sockets_of_unix"}};
    std::vector<std::string> names;
    WalkPrograms::Options load;
    for (const Walk& walk : all) {
      const absl::StatusOr<bool> has = KernelHasIterator(walk.iterator);
      if (!has.ok()) return has.status();
      if (!*has) {
        gaps_.push_back(absl::StrCat("this kernel has no iterator '", walk.iterator,
                                     "': the snapshot misses some sockets"));
        continue;
      }
      walks_.push_back(walk);
      load.programs.push_back(walk.program);
      names.push_back(absl::StrCat("iter/", walk.iterator));
    }
    if (!InFirstPidNamespace()) {
      gaps_.push_back(
          "this process is in a PID namespace of its own: descriptors of other processes are not "
          "seen");
    }
    load.value_bytes = sizeof(SocketAttributes);
    load.most_records = BufferedSockets(sizeof(SocketAttributes), options.buffer_bytes);
    absl::StatusOr<std::unique_ptr<WalkPrograms>> loaded = WalkPrograms::Load(load);
    if (!loaded.ok()) return loaded.status();
    programs_ = *std::move(loaded);
    description_.method = absl::StrJoin(names, ", ");
    return absl::OkStatus();
  }

  absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) override {
    SnapshotResult result;
    for (const std::string& gap : gaps_) result.AddGap(gap);
    absl::flat_hash_set<uint64_t> seen;
    const auto on_record = [&](uint64_t cookie, std::span<const uint8_t> value) {
      if (!seen.insert(cookie).second) return absl::OkStatus();
      ++result.values;
      return sink(value, 1);
    };
    for (const Walk& walk : walks_) {
      if (walk.iterator != "task_file") continue;
      const absl::StatusOr<WalkProgress> progress =
          programs_->Walk(walk.program, {}, WalkPrograms::kOftenBytes, on_record, stop_);
      if (!progress.ok()) return progress.status();
    }
    size_t refused = 0;
    size_t not_entered = 0;
    uint64_t pauses = 0;
    absl::Status first_refusal;
    const std::vector<live_kernel::FileDescriptor> net_namespaces = OpenNetNamespaces(&refused);
    for (size_t i = 0; i < net_namespaces.size(); ++i) {
      bool entered = false;
      absl::Status status;
      const auto walk_here = [&] {
        entered = true;
        return WalkNetNamespace(on_record, &pauses);
      };
      // The first namespace is our own: no need to enter it.
      status = i == 0 ? walk_here() : InNetNamespace(net_namespaces[i], walk_here);
      if (!status.ok() && entered) return status;
      if (!status.ok()) {
        ++not_entered;
        first_refusal = status;
      }
    }
    if (not_entered != 0) {
      result.AddGap(absl::StrCat(not_entered, " network namespaces could not be entered (",
                                 std::string(first_refusal.message()),
                                 "): the snapshot misses their sockets without a descriptor"));
    }
    if (pauses != 0) {
      result.AddGap(
          "a walk over the sockets of one protocol paused, and may have missed some that have no "
          "descriptor");
    }
    if (refused != 0) {
      const bool may_ask = MissingCapabilities({Capability::kSysPtrace}).empty();
      result.AddGap(absl::StrCat(
          refused, refused == 1 ? " process does not reveal its" : " processes do not reveal their",
          " network namespace", may_ask ? "" : ", because inlay lacks CAP_SYS_PTRACE",
          ": sockets without a descriptor are missing in each namespace that no other process "
          "reveals"));
    }
    return result;
  }

 private:
  absl::Status WalkNetNamespace(const WalkPrograms::OnRecord& on_record, uint64_t* pauses) {
    for (const Walk& walk : walks_) {
      if (walk.iterator == "task_file") continue;
      const absl::StatusOr<WalkProgress> progress =
          programs_->Walk(walk.program, {}, WalkPrograms::kSeldomBytes, on_record, stop_);
      if (!progress.ok()) return progress.status();
      *pauses += progress->pauses;
    }
    return absl::OkStatus();
  }

  std::vector<Walk> walks_;
  std::vector<std::string> gaps_;  // why every snapshot is incomplete
  std::unique_ptr<WalkPrograms> programs_;
  std::function<bool()> stop_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenAttributeCapture(const CaptureOptions& options) {
  return OpenSource<AttributeCapture>(options);
}

}  // namespace inlay::capture
