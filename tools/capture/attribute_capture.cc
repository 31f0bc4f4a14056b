#include "tools/capture/attribute_capture.h"

#include <iterator>
#include <map>
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
    for (const Walk& walk : all) {
      const absl::StatusOr<bool> has = KernelHasIterator(walk.iterator);
      if (!has.ok()) return has.status();
      if (!*has) {
        gaps_.push_back(absl::StrCat("this kernel has no iterator '", walk.iterator,
                                     "': the snapshot misses some sockets"));
        continue;
      }
      walks_.push_back(walk);
    }
    if (walks_.empty()) {
      return absl::FailedPreconditionError(
          "this kernel is too old: it has no iterator over sockets");
    }
    if (!InFirstPidNamespace()) {
      gaps_.push_back(
          "this process is in a PID namespace of its own: descriptors of other processes are not "
          "seen");
    }
    const absl::Status loaded = Load(options.buffer_bytes);
    if (!loaded.ok()) return loaded;
    std::vector<std::string> names;
    for (const Walk& walk : walks_) names.push_back(absl::StrCat("iter/", walk.iterator));
    description_.method = absl::StrJoin(names, ", ");
    return absl::OkStatus();
  }

  absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) override {
    SnapshotResult result;
    for (const std::string& gap : gaps_) result.AddGap(gap);
    absl::flat_hash_set<uint64_t> seen;
    WalkProgress total = {};
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
      AddAbsent(*progress, &total);
    }
    size_t refused = 0;
    size_t not_entered = 0;
    absl::Status first_refusal;
    const std::vector<live_kernel::FileDescriptor> net_namespaces = OpenNetNamespaces(&refused);
    for (size_t i = 0; i < net_namespaces.size(); ++i) {
      bool entered = false;
      absl::Status status;
      const auto walk_here = [&] {
        entered = true;
        return WalkNetNamespace(on_record, &total);
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
    NoteAbsent(total, result);
    if (total.pauses != 0) {
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
  absl::Status Load(size_t buffer_bytes) {
    WalkPrograms::Options load;
    for (const Walk& walk : walks_) load.programs.push_back(walk.program);
    load.value_bytes = sizeof(SocketAttributes);
    load.most_records = BufferedSockets(sizeof(SocketAttributes), buffer_bytes);
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

  static void AddAbsent(const WalkProgress& of_walk, WalkProgress* total) {
    for (size_t i = 0; i < std::size(total->absent); ++i) total->absent[i] |= of_walk.absent[i];
  }

  // Bits of members that this kernel cannot fill become a note.
  static void NoteAbsent(const WalkProgress& absent, SnapshotResult& result) {
    std::vector<std::string> names;
    for (const analysis::ValueField& field : AttributeFields()) {
      const uint64_t at = field.offset_bits.value_or(0) / 8;
      if ((absent.absent[at / 64] >> at % 64 & 1) != 0) names.push_back(field.name);
    }
    if (names.empty()) return;
    result.notes.push_back(absl::StrCat("this kernel does not have ", absl::StrJoin(names, ", "),
                                        ": 0 in all sockets, or empty"));
  }

  absl::Status WalkNetNamespace(const WalkPrograms::OnRecord& on_record, WalkProgress* total) {
    for (const Walk& walk : walks_) {
      if (walk.iterator == "task_file") continue;
      const absl::StatusOr<WalkProgress> progress =
          programs_->Walk(walk.program, {}, WalkPrograms::kSeldomBytes, on_record, stop_);
      if (!progress.ok()) return progress.status();
      total->pauses += progress->pauses;
      AddAbsent(*progress, total);
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
