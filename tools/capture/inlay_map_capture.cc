#include "tools/capture/inlay_map_capture.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/capture/open_source.h"
#include "tools/capture/socket_walks.h"
#include "tools/capture/value_schema.h"

namespace inlay::capture {
namespace {

class InlayMapCapture : public CaptureSource {
 public:
  absl::Status Open(OpenInlayMap map, KernelMap storage, const CaptureOptions& options) {
    storage_ = std::move(storage);
    shared_ = std::move(map);
    if (options.method == Method::kMap || options.method == Method::kFold) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--method map and fold see sockets with values of their own, and map ", storage_.id, " '",
          shared_.map.name, "' is one of inlay.bpf.h, which shares them: use auto or fd"));
    }
    const ValueSchema schema = ReadValueSchema(storage_);
    description_.value_bytes = storage_.value_bytes;
    description_.fields = schema.fields;
    description_.source = "map";
    description_.map_name = shared_.map.name;
    description_.map_id = storage_.id;
    description_.map_type = kInlayMapKind;
    description_.value_type = schema.type_name;
    description_.notes = schema.notes;
    SocketWalks::Options walks;
    walks.programs = "indexed";
    walks.only_by_file = options.method == Method::kFd;
    walks.over_storage = !walks.only_by_file;
    walks.load.value_bytes = storage_.value_bytes;
    walks.load.storage_map_fd = storage_.fd.get();
    walks.load.indexed_values_fd = shared_.values.fd.get();
    walks.load.indexed_state_fd = shared_.state.fd.get();
    walks.load.state = shared_.map.state;
    walks.buffer_bytes = options.buffer_bytes;
    walks.stop = options.stop;
    absl::StatusOr<std::unique_ptr<SocketWalks>> opened = SocketWalks::Open(std::move(walks));
    if (!opened.ok()) return opened.status();
    walks_ = *std::move(opened);
    description_.method = walks_->Method();
    return absl::OkStatus();
  }

  absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) override {
    SnapshotResult result;
    const absl::StatusOr<WalkProgress> total = walks_->Take(sink, &result);
    if (!total.ok()) return total.status();
    return result;
  }

 private:
  KernelMap storage_;
  OpenInlayMap shared_;
  std::unique_ptr<SocketWalks> walks_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenInlayMapCapture(OpenInlayMap map,
                                                                   KernelMap storage,
                                                                   const CaptureOptions& options) {
  return OpenSource<InlayMapCapture>(std::move(map), std::move(storage), options);
}

}  // namespace inlay::capture
