#include "tools/capture/capture_source.h"

#include <utility>

#include "tools/capture/attribute_capture.h"
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

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenCapture(const CaptureOptions& options) {
  if (options.target == CaptureOptions::Target::kSockets) return OpenAttributeCapture(options);
  absl::StatusOr<KernelMap> map = OpenMap(options);
  if (!map.ok()) return map.status();
  const absl::Status status = CheckCanBeCaptured(*map);
  if (!status.ok()) return status;
  if (map->is_sk_storage()) return OpenStorageCapture(*std::move(map), options);
  return map->is_owner_storage() ? OpenOwnerCapture(*std::move(map), options)
                                 : OpenTableCapture(*std::move(map), options);
}

}  // namespace inlay::capture
