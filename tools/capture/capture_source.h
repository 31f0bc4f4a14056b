// CaptureSource: what can be captured of the running kernel, as a stream of values; one snapshot
// after the other.
//
// Nothing of it outlives the process: no program, map or walk is pinned.
//
// Not thread-safe.

#ifndef INLAY_TOOLS_CAPTURE_CAPTURE_SOURCE_H_
#define INLAY_TOOLS_CAPTURE_CAPTURE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/values/value_field.h"

namespace inlay::capture {

// How socket storage is read; docs/capture.md says what each sees.
enum class Method {
  kAuto,  // map and fd, what both see once; whichever is missing is left out
  kFd,    // over the descriptors of all processes
  kMap,   // over the elements of the map
  kFold,  // over the elements of the map, counting equal values in the kernel
};

struct CaptureOptions {
  enum class Target { kMapName, kMapId, kPinned, kSockets };
  Target target = Target::kMapName;
  std::string name = {};  // the map's, or where it is pinned
  uint32_t id = 0;
  Method method = Method::kAuto;
  // What the buffer between the kernel and us may take. A walk over a map's elements, or over the
  // sockets of a protocol, pauses when it is full, and then has to find its place again.
  size_t buffer_bytes = 128 << 20;
  // Asked now and then while a snapshot is taken; true ends it with kCancelled. May be empty.
  std::function<bool()> stop = {};
};

// What the values are, the same for all snapshots.
struct CaptureDescription {
  uint64_t value_bytes = 0;
  std::vector<analysis::ValueField> fields = {};  // by offset; none: not known
  std::string source = {};                        // "map" or "sockets"
  std::string map_name = {};
  std::optional<uint32_t> map_id = {};
  std::string map_type = {};    // "sk_storage"
  std::string value_type = {};  // "struct flow"; empty: not known
  std::string method = {};  // in the order of the walks: "iter/bpf_sk_storage_map, iter/task_file"
  std::vector<std::string> notes = {};  // for people who rely on the values
};

struct SnapshotResult {
  uint64_t values = 0;
  bool complete = true;
  std::string why_incomplete = {};
  std::vector<std::string> notes = {};  // of this snapshot

  // Sockets are known to be missing, or may be: `why` is added to why_incomplete.
  void AddGap(const std::string& why) {
    complete = false;
    if (!why_incomplete.empty()) why_incomplete += "; ";
    why_incomplete += why;
  }
};

// Receives `copies` records of `value`, which lives while the call lasts. An error ends the
// snapshot.
using ValueSink = std::function<absl::Status(std::span<const uint8_t> value, uint64_t copies)>;

class CaptureSource {
 public:
  virtual ~CaptureSource() = default;
  CaptureSource(const CaptureSource&) = delete;
  CaptureSource& operator=(const CaptureSource&) = delete;

  const CaptureDescription& description() const { return description_; }

  // Gives every value to `sink`. Fails if nothing can be read, with what is missing; with what the
  // sink has failed with; with kCancelled if it was stopped: what the sink has received is then a
  // part.
  virtual absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) = 0;

 protected:
  CaptureSource() = default;
  CaptureDescription description_ = {};
};

// Opens what `options` name, and loads what is needed. Fails for a map that is not there or cannot
// be captured, for a kernel that has no BTF or is too old, without the capabilities, and always
// (kUnimplemented) if the library was built without libbpf or a compiler for BPF.
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenCapture(const CaptureOptions& options);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_CAPTURE_SOURCE_H_
