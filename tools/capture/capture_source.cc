#include "tools/capture/capture_source.h"

#include <linux/bpf.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/capture/attribute_capture.h"
#include "tools/capture/inlay_map.h"
#include "tools/capture/inlay_map_capture.h"
#include "tools/capture/kernel_map.h"
#include "tools/capture/owner_capture.h"
#include "tools/capture/storage_capture.h"
#include "tools/capture/table_capture.h"

namespace inlay::capture {
namespace {

absl::StatusOr<KernelMap> OpenMap(const CaptureOptions& options) {
  switch (options.target) {
    case CaptureOptions::Target::kMapId:
      return OpenMapById(options.id);
    case CaptureOptions::Target::kPinned:
      return OpenPinnedMap(options.name);
    case CaptureOptions::Target::kMapName:
    case CaptureOptions::Target::kSockets:
      break;
  }
  return OpenMapByName(options.name);
}

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenSocketMap(KernelMap storage,
                                                             const CaptureOptions& options) {
  const bool pinned = options.target == CaptureOptions::Target::kPinned;
  absl::StatusOr<std::optional<OpenInlayMap>> shared =
      FindInlayMapOf(storage, pinned ? options.name : "");
  if (!shared.ok() || !shared->has_value()) {
    // inlay.bpf.h sets the flag for its storages.
    const bool may_be_shared = !shared.ok() && (storage.flags & BPF_F_CLONE) != 0;
    const std::string doubt =
        may_be_shared ? absl::StrCat(
                            "only the values in sockets' own storage are captured: whether the map "
                            "is one of inlay.bpf.h is not known: ",
                            std::string(shared.status().message()))
                      : std::string();
    return OpenStorageCapture(std::move(storage), options, doubt);
  }
  return OpenInlayMapCapture(**std::move(shared), std::move(storage), options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenCapture(const CaptureOptions& options) {
  if (options.target == CaptureOptions::Target::kSockets) return OpenAttributeCapture(options);
  absl::StatusOr<KernelMap> map = OpenMap(options);
  if (!map.ok()) return map.status();
  const absl::Status status = CheckCanBeCaptured(*map);
  if (!status.ok()) return status;
  if (map->is_sk_storage()) return OpenSocketMap(*std::move(map), options);
  return map->is_owner_storage() ? OpenOwnerCapture(*std::move(map), options)
                                 : OpenTableCapture(*std::move(map), options);
}

}  // namespace inlay::capture
