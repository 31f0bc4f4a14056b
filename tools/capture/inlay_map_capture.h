// Captures the values that sockets have in a map of inlay/inlay.bpf.h: by the index in their mark,
// or in their own storage if it is spilled.

#ifndef INLAY_TOOLS_CAPTURE_INLAY_MAP_CAPTURE_H_
#define INLAY_TOOLS_CAPTURE_INLAY_MAP_CAPTURE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/inlay_map.h"
#include "tools/capture/kernel_map.h"

namespace inlay::capture {

// `storage` is that of the map. Fails as OpenCapture() does.
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenInlayMapCapture(OpenInlayMap map,
                                                                   KernelMap storage,
                                                                   const CaptureOptions& options);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_INLAY_MAP_CAPTURE_H_
