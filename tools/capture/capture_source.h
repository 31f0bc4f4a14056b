// CaptureSource: a stream of values from the running kernel, one snapshot after the other.
//
// It pins no program, map or walk: the kernel frees them with the process.
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

// The ways to read socket storage; docs/capture.md says which sockets each one sees.
enum class Method {
  kAuto,  // map, then fd for sockets that map did not see; uses what the kernel has
  kFd,    // over the descriptors of all processes
  kMap,   // over the elements of the map
  kFold,  // over the elements of the map, counting equal values in the kernel
};

struct CaptureOptions {
  enum class Target { kMapName, kMapId, kPinned, kSockets };
  Target target = Target::kMapName;
  std::string name = {};  // of the map, or the path where it is pinned
  uint32_t id = 0;
  Method method = Method::kAuto;
  // Limit of the buffer between the kernel and this process. A walk over a map's elements, or over
  // the sockets of a protocol, pauses when it is full, and then has to find its place again.
  size_t buffer_bytes = 128 << 20;
  // Polled while a snapshot is taken; true ends the snapshot with kCancelled. May be empty.
  std::function<bool()> stop = {};
};

// Describes the values, for all snapshots.
struct CaptureDescription {
  uint64_t value_bytes = 0;
  std::vector<analysis::ValueField> fields = {};  // by offset; empty: unknown
  std::string source = {};                        // "map" or "sockets"
  std::string map_name = {};
  std::optional<uint32_t> map_id = {};
  std::string map_type = {};    // "sk_storage"
  std::string value_type = {};  // "struct flow"; empty: unknown
  std::string method = {};  // in the order of the walks: "iter/bpf_sk_storage_map, iter/task_file"
  std::vector<std::string> notes = {};  // for the reader of a report
};

struct SnapshotResult {
  uint64_t values = 0;
  bool complete = true;
  std::string why_incomplete = {};
  std::vector<std::string> notes = {};  // of this snapshot

  // Marks the snapshot as incomplete: sockets are missing, or may be. Adds `why` to why_incomplete.
  void AddGap(const std::string& why) {
    complete = false;
    if (!why_incomplete.empty()) why_incomplete += "; ";
    why_incomplete += why;
  }
};

// Receives `copies` records of `value`, which is valid during the call. An error ends the snapshot.
using ValueSink = std::function<absl::Status(std::span<const uint8_t> value, uint64_t copies)>;

class CaptureSource {
 public:
  virtual ~CaptureSource() = default;
  CaptureSource(const CaptureSource&) = delete;
  CaptureSource& operator=(const CaptureSource&) = delete;

  const CaptureDescription& description() const { return description_; }

  // Passes every value to `sink`. Errors: the missing requirement, if nothing can be read; the
  // sink's own error; kCancelled if `stop` returned true. After an error the sink has received a
  // part of the values.
  virtual absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) = 0;

 protected:
  CaptureSource() = default;
  CaptureDescription description_ = {};
};

// Opens what `options` name, and loads the programs. Fails if the map does not exist or has a type
// that cannot be captured, if the kernel has no BTF or is too old, if a capability is missing, and
// always (kUnimplemented) if the build had no libbpf or no compiler for BPF.
absl::StatusOr<std::unique_ptr<CaptureSource>> OpenCapture(const CaptureOptions& options);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_CAPTURE_SOURCE_H_
