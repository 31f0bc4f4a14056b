// Captures the values that tasks or cgroups have in a BPF_MAP_TYPE_TASK_STORAGE or
// BPF_MAP_TYPE_CGRP_STORAGE map.

#ifndef INLAY_TOOLS_CAPTURE_OWNER_CAPTURE_H_
#define INLAY_TOOLS_CAPTURE_OWNER_CAPTURE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/kernel_map.h"

namespace inlay::capture {

// REQUIRES: map.is_task_storage() or map.is_cgroup_storage(). Fails as OpenCapture() does, and for
// any method but kAuto.
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenOwnerCapture(KernelMap map,
                                                                const CaptureOptions& options);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_OWNER_CAPTURE_H_
