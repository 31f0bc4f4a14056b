// CaptureHeader: what a capture file says of itself: what its values are, and where they come
// from. A JSON object in the file; docs/format.md has the keys.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_HEADER_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_HEADER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// Where the values come from. Nothing is required; what is empty is not known.
struct CaptureProvenance {
  std::string tool_version = {};    // of the program that wrote the file, "1.2.0"
  std::string host = {};            // as `uname -n` says
  std::string kernel_release = {};  // as `uname -r` says
  std::string source = {};          // what the records are: "map", or "sockets"
  std::string map_name = {};
  std::optional<uint32_t> map_id = {};
  std::string map_type = {};    // "sk_storage", "lru_hash": as bpftool calls it
  std::string value_type = {};  // what BTF calls the type of a value, "struct flow"
  std::string method = {};      // how it was read, "iter/task_file"
  // Anything else, by names of its own: "cgroup", "command". Names are not empty and not given
  // twice.
  std::vector<std::pair<std::string, std::string>> more = {};
};

struct CaptureHeader {
  // Raw records: kind, value_bytes and fields; the rest is not stored.
  RecordSchema schema = {};
  CaptureProvenance provenance = {};
  // Whether the snapshots are of the same sockets, one time after the other. If not, there is
  // one snapshot.
  bool series = false;
};

// OK if `schema` is one of raw records whose fields are by offset, do not overlap, lie within the
// value, and have sizes that their kinds can have; otherwise says which field is wrong.
absl::Status CheckCaptureSchema(const RecordSchema& schema);

// Whether values of both are the same things: of one size, with the same fields. REQUIRES:
// CheckCaptureSchema() is OK for both.
bool SameCaptureValues(const RecordSchema& a, const RecordSchema& b);

// The JSON object. Bytes that are not UTF-8 become U+FFFD. REQUIRES: CheckCaptureSchema() is OK.
std::string CaptureHeaderAsJson(const CaptureHeader& header);

// Fails for what is no such object; keys that are not known are passed over.
absl::StatusOr<CaptureHeader> ParseCaptureHeader(std::string_view json);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_HEADER_H_
