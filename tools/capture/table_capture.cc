#include "tools/capture/table_capture.h"

#include <linux/bpf.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/values/record_limits.h"
#include "tools/capture/open_source.h"
#include "tools/capture/table_reader.h"
#include "tools/capture/value_schema.h"

namespace inlay::capture {
namespace {

class TableCapture : public CaptureSource {
 public:
  absl::Status Open(KernelMap map, const CaptureOptions& options) {
    map_ = std::move(map);
    stop_ = options.stop;
    if (options.method != Method::kAuto) {
      return absl::InvalidArgumentError(
          absl::StrCat("--method is for maps of type sk_storage, and map ", map_.id, " '",
                       map_.name, "' is of type ", MapTypeName(map_.type)));
    }
    if (map_.value_bytes > analysis::kMaxRecordBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("map ", map_.id, " '", map_.name, "' has values of ", map_.value_bytes,
                       " bytes; at most ", analysis::kMaxRecordBytes, " can be captured"));
    }
    schema_ = ReadValueSchema(map_);
    description_.value_bytes = map_.value_bytes;
    description_.fields = schema_.fields;
    description_.source = "map";
    description_.map_name = map_.name;
    description_.map_id = map_.id;
    description_.map_type = MapTypeName(map_.type);
    description_.value_type = schema_.type_name;
    description_.method = "batches";
    description_.notes = schema_.notes;
    if (map_.type == BPF_MAP_TYPE_ARRAY || map_.type == BPF_MAP_TYPE_PERCPU_ARRAY) {
      description_.notes.push_back("every element of an array is a value, written or not");
    }
    if (map_.is_per_cpu()) {
      description_.notes.push_back("every CPU's value is a record");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) override {
    SnapshotResult result;
    const auto on_value = [&](std::span<const uint8_t>, std::span<uint8_t> value) {
      ClearKernelOwned(schema_, value);
      ++result.values;
      return sink(value, 1);
    };
    const absl::StatusOr<TableRead> read =
        ReadTable(map_, schema_.lock_offset.has_value(), on_value, stop_);
    if (!read.ok()) return read.status();
    if (!read->in_batches) {
      result.notes.push_back("read key by key: this kernel has no batches for such a map");
    }
    if (read->vanished != 0) {
      result.AddGap(absl::StrCat(read->vanished, " entries were deleted while they were read"));
    }
    return result;
  }

 private:
  KernelMap map_;
  ValueSchema schema_;
  std::function<bool()> stop_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenTableCapture(KernelMap map,
                                                                const CaptureOptions& options) {
  return OpenSource<TableCapture>(std::move(map), options);
}

}  // namespace inlay::capture
