// Captures the values of a hash or array map, whatever its keys are.

#ifndef INLAY_TOOLS_CAPTURE_TABLE_CAPTURE_H_
#define INLAY_TOOLS_CAPTURE_TABLE_CAPTURE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/kernel_map.h"

namespace inlay::capture {

// REQUIRES: CanBeCaptured(map.type) and !map.is_owner_storage(). Fails as OpenCapture() does.
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenTableCapture(KernelMap map,
                                                                const CaptureOptions& options);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_TABLE_CAPTURE_H_
