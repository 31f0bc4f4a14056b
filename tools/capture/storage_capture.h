// Captures the values that sockets have in a BPF_MAP_TYPE_SK_STORAGE map.

#ifndef INLAY_TOOLS_CAPTURE_STORAGE_CAPTURE_H_
#define INLAY_TOOLS_CAPTURE_STORAGE_CAPTURE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/kernel_map.h"

namespace inlay::capture {

// REQUIRES: map.is_sk_storage(). `doubt`, unless it is empty, becomes a note. Fails as
// OpenCapture() does.
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenStorageCapture(KernelMap map,
                                                                  const CaptureOptions& options,
                                                                  const std::string& doubt);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_STORAGE_CAPTURE_H_
