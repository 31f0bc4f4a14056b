// Captures the options and attributes of every socket of the machine, without a map.

#ifndef INLAY_TOOLS_CAPTURE_ATTRIBUTE_CAPTURE_H_
#define INLAY_TOOLS_CAPTURE_ATTRIBUTE_CAPTURE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tools/capture/capture_source.h"

namespace inlay::capture {

// Fails as OpenCapture() does.
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenAttributeCapture(const CaptureOptions& options);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_ATTRIBUTE_CAPTURE_H_
