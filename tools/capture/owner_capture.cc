#include "tools/capture/owner_capture.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tools/capture/open_source.h"
#include "tools/capture/system/first_namespace.h"
#include "tools/capture/value_schema.h"
#include "tools/capture/walk/buffered_sockets.h"
#include "tools/capture/walk/walk_programs.h"

namespace inlay::capture {
namespace {

class OwnerCapture : public CaptureSource {
 public:
  absl::Status Open(KernelMap map, const CaptureOptions& options) {
    map_ = std::move(map);
    stop_ = options.stop;
    buffer_bytes_ = options.buffer_bytes;
    if (options.method != Method::kAuto) {
      return absl::InvalidArgumentError(
          absl::StrCat("--method is for maps of type sk_storage, and map ", map_.id, " '",
                       map_.name, "' is of type ", MapTypeName(map_.type)));
    }
    iterator_ = map_.is_task_storage() ? "task" : "cgroup";
    const absl::StatusOr<bool> has = KernelHasIterator(iterator_);
    if (!has.ok()) return has.status();
    if (!*has) {
      return absl::FailedPreconditionError(
          absl::StrCat("this kernel is too old: it has no iterator '", iterator_, "'"));
    }
    schema_ = ReadValueSchema(map_);
    description_.value_bytes = map_.value_bytes;
    description_.fields = schema_.fields;
    description_.source = "map";
    description_.map_name = map_.name;
    description_.map_id = map_.id;
    description_.map_type = MapTypeName(map_.type);
    description_.value_type = schema_.type_name;
    description_.notes = schema_.notes;
    description_.method = absl::StrCat("iter/", iterator_);
    if (map_.is_task_storage() && !InFirstPidNamespace()) {
      gap_ = "this process is in a PID namespace of its own: other tasks are not seen";
    }
    return Load();
  }

  absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) override {
    SnapshotResult result;
    if (!gap_.empty()) result.AddGap(gap_);
    absl::flat_hash_set<uint64_t> seen;
    std::vector<uint8_t> value;
    const auto on_record = [&](uint64_t owner, std::span<const uint8_t> bytes) {
      if (!seen.insert(owner).second) return absl::OkStatus();
      ++result.values;
      if (schema_.kernel_owned.empty()) return sink(bytes, 1);
      value.assign(bytes.begin(), bytes.end());
      ClearKernelOwned(schema_, value);
      return sink(value, 1);
    };
    const absl::StatusOr<WalkProgress> progress =
        programs_->Walk(program_, {.all_cgroups = map_.is_cgroup_storage()},
                        WalkPrograms::kSeldomBytes, on_record, stop_);
    if (!progress.ok()) return progress.status();
    return result;
  }

 private:
  absl::Status Load() {
    absl::Status status = LoadWalk();
    if (status.ok() || !schema_.lock_offset.has_value() || absl::IsPermissionDenied(status)) {
      return status;
    }
    // The verifier may not follow so long a copy, or may allow no locks here: copy without the
    // lock.
    description_.notes.push_back(absl::StrCat(
        "the walk does not take the values' lock, so a value may be half of one and half of "
        "another: ",
        std::string(status.message())));
    schema_.lock_offset.reset();
    return LoadWalk();
  }

  absl::Status LoadWalk() {
    program_ =
        absl::StrCat(schema_.lock_offset.has_value() ? "locked" : "values", "_by_", iterator_);
    WalkPrograms::Options options;
    options.programs = {program_};
    options.value_bytes = map_.value_bytes;
    options.storage_map_fd = map_.fd.get();
    options.lock_offset = schema_.lock_offset.value_or(0);
    // A walk over cgroups cannot pause. There are fewer tasks and cgroups than open files.
    options.most_records = BufferedSockets(map_.value_bytes, buffer_bytes_);
    absl::StatusOr<std::unique_ptr<WalkPrograms>> loaded = WalkPrograms::Load(options);
    if (!loaded.ok()) return loaded.status();
    programs_ = *std::move(loaded);
    return absl::OkStatus();
  }

  KernelMap map_;
  ValueSchema schema_;
  std::string iterator_;
  std::string program_;
  std::string gap_;  // why every snapshot is incomplete
  std::function<bool()> stop_;
  size_t buffer_bytes_ = 0;
  std::unique_ptr<WalkPrograms> programs_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenOwnerCapture(KernelMap map,
                                                                const CaptureOptions& options) {
  return OpenSource<OwnerCapture>(std::move(map), options);
}

}  // namespace inlay::capture
