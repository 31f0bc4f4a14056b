#include "tools/capture/storage_capture.h"

#include <fcntl.h>
#include <linux/bpf.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/capture/open_source.h"
#include "tools/capture/system/first_namespace.h"
#include "tools/capture/table_reader.h"
#include "tools/capture/value_schema.h"
#include "tools/capture/walk/buffered_sockets.h"
#include "tools/capture/walk/walk_programs.h"

namespace inlay::capture {
namespace {

constexpr char kFileIterator[] = "task_file";
constexpr char kMapIterator[] = "bpf_sk_storage_map";

// Far more than an index of 16 bits can name. The table of pointers takes 8 MB.
constexpr uint32_t kMostFolded = 1 << 20;

constexpr char kPaused[] =
    "the walk over the map paused, and may have missed values that were deleted or replaced "
    "meanwhile, or their neighbours";

class StorageCapture : public CaptureSource {
 public:
  absl::Status Open(KernelMap map, const CaptureOptions& options, const std::string& doubt) {
    map_ = std::move(map);
    stop_ = options.stop;
    buffer_bytes_ = options.buffer_bytes;
    schema_ = ReadValueSchema(map_);
    description_.value_bytes = map_.value_bytes;
    description_.fields = schema_.fields;
    description_.source = "map";
    description_.map_name = map_.name;
    description_.map_id = map_.id;
    description_.map_type = MapTypeName(map_.type);
    description_.value_type = schema_.type_name;
    description_.notes = schema_.notes;
    if (!doubt.empty()) description_.notes.push_back(doubt);
    if (options.method == Method::kFold && schema_.lock_offset.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--method fold does not take the bpf_spin_lock that the values of map ", map_.id, " '",
          map_.name, "' have, and could count half-written values: use auto, map or fd"));
    }
    absl::Status status = ChooseWalks(options.method);
    if (!status.ok()) return status;
    status = Load();
    if (!status.ok()) return status;
    std::vector<std::string> names;
    for (const Walk& walk : walks_) names.push_back(absl::StrCat("iter/", walk.iterator));
    description_.method = absl::StrJoin(names, ", ");
    if (options.method == Method::kFd && !InFirstPidNamespace()) {
      gaps_.push_back(
          "this process is in a PID namespace of its own: descriptors of other processes are not "
          "seen");
    }
    if (options.method == Method::kFold) description_.method += ", folded";
    return absl::OkStatus();
  }

  absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) override {
    return folds_ ? TakeFolded(sink) : TakeEach(sink);
  }

 private:
  struct Walk {
    std::string iterator;
    std::string program;
  };

  // Use the iterators that this kernel has.
  absl::Status ChooseWalks(Method method) {
    const bool wants_map = method != Method::kFd;
    const bool wants_fd = method == Method::kFd || method == Method::kAuto;
    folds_ = method == Method::kFold;
    for (const bool over_map : {true, false}) {
      if (over_map ? !wants_map : !wants_fd) continue;
      const std::string iterator = over_map ? kMapIterator : kFileIterator;
      const absl::StatusOr<bool> has = KernelHasIterator(iterator);
      if (!has.ok()) return has.status();
      if (*has) {
        walks_.push_back({iterator, Program(over_map)});
      } else {
        AddGapWithout(iterator, absl::StrCat("this kernel has no iterator '", iterator, "'"));
      }
    }
    if (walks_.empty()) {
      return absl::FailedPreconditionError(
          "this kernel is too old: it has no iterator over socket storage "
          "(Linux 5.12 has them)");
    }
    return absl::OkStatus();
  }

  void AddGapWithout(const std::string& iterator, const std::string& why) {
    gaps_.push_back(absl::StrCat(why, iterator == kMapIterator
                                          ? ": sockets without a descriptor are missing"
                                          : ": values that were replaced during the walk over the "
                                            "map may be missing"));
  }

  std::string Program(bool over_map) const {
    if (folds_) return fold_copies_ ? "fold_copy_in_map" : "fold_in_map";
    return absl::StrCat(schema_.lock_offset.has_value() ? "locked" : "values",
                        over_map ? "_by_map" : "_by_file");
  }

  absl::Status Load() {
    absl::Status status = LoadWalks();
    if (status.ok() || absl::IsPermissionDenied(status)) return status;
    if (folds_) {
      // The verifier of Linux 6.1 refuses the iterator's value as a key: copy it first.
      fold_copies_ = true;
      for (Walk& walk : walks_) walk.program = Program(true);
      return LoadWalks();
    }
    if (!schema_.lock_offset.has_value()) return LoadSome();
    // The verifier may not follow so long a copy, or may allow no locks here: copy without the
    // lock.
    description_.notes.push_back(absl::StrCat(
        "the walk does not take the values' lock, so a value may be half of one and half of "
        "another: ",
        std::string(status.message())));
    schema_.lock_offset.reset();
    for (Walk& walk : walks_) walk.program = Program(walk.iterator == kMapIterator);
    return LoadSome();
  }

  absl::Status LoadWalks() {
    absl::StatusOr<std::unique_ptr<WalkPrograms>> loaded = WalkPrograms::Load(LoadOptions());
    if (!loaded.ok()) return loaded.status();
    programs_ = *std::move(loaded);
    return absl::OkStatus();
  }

  // Without a walk that this kernel refuses, if there is another one.
  absl::Status LoadSome() {
    std::map<std::string, std::string> refused;
    absl::StatusOr<std::unique_ptr<WalkPrograms>> loaded =
        WalkPrograms::LoadSome(LoadOptions(), &refused);
    if (!loaded.ok()) return loaded.status();
    programs_ = *std::move(loaded);
    std::erase_if(walks_, [&](const Walk& walk) {
      const auto why = refused.find(walk.program);
      if (why == refused.end()) return false;
      AddGapWithout(walk.iterator, why->second);
      return true;
    });
    return absl::OkStatus();
  }

  WalkPrograms::Options LoadOptions() const {
    WalkPrograms::Options options;
    for (const Walk& walk : walks_) options.programs.push_back(walk.program);
    options.value_bytes = map_.value_bytes;
    options.storage_map_fd = map_.fd.get();
    options.lock_offset = schema_.lock_offset.value_or(0);
    if (folds_) {
      options.most_folded = kMostFolded;
      options.most_records = fold_copies_ ? 1 : 0;
    } else {
      options.most_records = BufferedSockets(map_.value_bytes, buffer_bytes_);
    }
    return options;
  }

  absl::StatusOr<SnapshotResult> TakeEach(const ValueSink& sink) {
    SnapshotResult result;
    for (const std::string& gap : gaps_) result.AddGap(gap);
    absl::flat_hash_set<uint64_t> seen;
    std::vector<uint8_t> value;
    bool paused = false;
    for (const Walk& walk : walks_) {
      const uint64_t values_before = result.values;
      const auto on_record = [&](uint64_t cookie, std::span<const uint8_t> bytes) {
        if (!seen.insert(cookie).second) return absl::OkStatus();
        ++result.values;
        if (schema_.kernel_owned.empty()) return sink(bytes, 1);
        value.assign(bytes.begin(), bytes.end());
        ClearKernelOwned(schema_, value);
        return sink(value, 1);
      };
      const bool over_map = walk.iterator == kMapIterator;
      const absl::StatusOr<WalkProgress> progress =
          over_map ? programs_->Walk(walk.program, {.map_fd = map_.fd.get()},
                                     WalkPrograms::kSeldomBytes, on_record, stop_)
                   : programs_->Walk(walk.program, {}, WalkPrograms::kOftenBytes, on_record, stop_);
      if (!progress.ok()) return progress.status();
      paused |= over_map && progress->pauses != 0;
      if (!over_map && walks_.size() > 1 && result.values != values_before) {
        result.notes.push_back(
            absl::StrCat(result.values - values_before,
                         " values were found only through the sockets' descriptors: they were "
                         "made or replaced during the walk over the map"));
      }
    }
    if (paused) {
      result.AddGap(absl::StrCat(
          kPaused, walks_.size() > 1 ? ", where no descriptor leads to the socket" : ""));
    }
    return result;
  }

  absl::StatusOr<SnapshotResult> TakeFolded(const ValueSink& sink) {
    // The table still holds the values of the last snapshot.
    if (has_folded_) {
      const absl::Status status = LoadWalks();
      if (!status.ok()) return status;
    }
    has_folded_ = true;
    const auto no_record = [](uint64_t, std::span<const uint8_t>) { return absl::OkStatus(); };
    const absl::StatusOr<WalkProgress> progress = programs_->Walk(
        Program(true), {.map_fd = map_.fd.get()}, WalkPrograms::kSeldomBytes, no_record, stop_);
    if (!progress.ok()) return progress.status();
    SnapshotResult result;
    if (progress->pauses != 0) result.AddGap(kPaused);
    std::vector<uint8_t> value;
    const auto on_entry = [&](std::span<const uint8_t> key, std::span<uint8_t> count) {
      uint64_t copies = 0;
      std::memcpy(&copies, count.data(), sizeof(copies));
      value.assign(key.begin(), key.end());
      ClearKernelOwned(schema_, value);
      result.values += copies;
      return sink(value, copies);
    };
    KernelMap folded;
    folded.fd = live_kernel::FileDescriptor(fcntl(programs_->folded_map_fd(), F_DUPFD_CLOEXEC, 0));
    folded.name = "folded";
    folded.type = BPF_MAP_TYPE_HASH;
    folded.key_bytes = map_.value_bytes;
    folded.value_bytes = sizeof(uint64_t);
    folded.max_entries = kMostFolded;
    const absl::StatusOr<TableRead> read = ReadTable(folded, false, on_entry, stop_);
    if (!read.ok()) return read.status();
    if (progress->unfolded != 0) {
      result.AddGap(absl::StrCat("more than ", kMostFolded, " distinct values; ",
                                 progress->unfolded, " sockets are missing: use another --method"));
    }
    return result;
  }

  KernelMap map_;
  ValueSchema schema_;
  std::vector<Walk> walks_;
  std::vector<std::string> gaps_;  // why every snapshot is incomplete
  bool folds_ = false;
  bool fold_copies_ = false;
  bool has_folded_ = false;
  std::function<bool()> stop_;
  size_t buffer_bytes_ = 0;
  std::unique_ptr<WalkPrograms> programs_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenStorageCapture(KernelMap map,
                                                                  const CaptureOptions& options,
                                                                  const std::string& doubt) {
  return OpenSource<StorageCapture>(std::move(map), options, doubt);
}

}  // namespace inlay::capture
