// OpenSource: makes a source of values of any kind, and opens it.

#ifndef INLAY_TOOLS_CAPTURE_OPEN_SOURCE_H_
#define INLAY_TOOLS_CAPTURE_OPEN_SOURCE_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/capture/capture_source.h"

namespace inlay::capture {

// A new `Source`, on which Open(arguments...) succeeded; otherwise the status that Open() returned.
template <typename Source, typename... Arguments>
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenSource(Arguments&&... arguments) {
  auto source = std::make_unique<Source>();
  const absl::Status status = source->Open(std::forward<Arguments>(arguments)...);
  if (!status.ok()) return status;
  return source;
}

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_OPEN_SOURCE_H_
