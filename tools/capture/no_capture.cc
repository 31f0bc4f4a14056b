// Replaces the rest of this folder if the build has no libbpf or no compiler for BPF.

#include "absl/status/status.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/map_list.h"

namespace inlay::capture {
namespace {

absl::Status NotBuilt() {
  return absl::UnimplementedError(
      "this program was built without " INLAY_CAPTURE_MISSES
      ". Install libbpf-dev and clang, and build it again; tools/setup.sh installs all that is "
      "needed");
}

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenCapture(const CaptureOptions&) {
  return NotBuilt();
}

absl::StatusOr<MapList> ListMaps() { return NotBuilt(); }

}  // namespace inlay::capture
