// CaptureHeader: the description of a capture file: its kind of values and their origin. It is a
// JSON object in the file; docs/format.md has the keys.
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

// The origin of the values. Every member is optional; empty means unknown.
struct CaptureProvenance {
  std::string tool_version = {};    // of the program that wrote the file, "1.2.0"
  std::string host = {};            // as in `uname -n`
  std::string kernel_release = {};  // as in `uname -r`
  std::string source = {};          // the kind of the records: "map", or "sockets"
  std::string map_name = {};
  std::optional<uint32_t> map_id = {};
  std::string map_type = {};    // "sk_storage", "lru_hash": bpftool's name for it; "inlay_map"
  std::string value_type = {};  // the BTF name of the value's type, "struct flow"
  std::string method = {};      // the means of reading, "iter/task_file"
  // Other facts by name: "cgroup", "command". Names are unique and not empty.
  std::vector<std::pair<std::string, std::string>> more = {};
};

struct CaptureHeader {
  // Raw records: kind, value_bytes and fields; the file does not store the rest.
  RecordSchema schema = {};
  CaptureProvenance provenance = {};
  // Whether this is a series: snapshots of the same sockets at several times. Otherwise there is
  // one snapshot.
  bool series = false;
};

// OK if `schema` is one of raw records whose fields are by offset, do not overlap, lie within the
// value, and have sizes that their kinds allow; otherwise the error names the wrong field.
absl::Status CheckCaptureSchema(const RecordSchema& schema);

// Whether both describe the same values: the same size and fields. REQUIRES: CheckCaptureSchema()
// is OK for both.
bool SameCaptureValues(const RecordSchema& a, const RecordSchema& b);

// The JSON object. Bytes that are not UTF-8 become U+FFFD. REQUIRES: CheckCaptureSchema() is OK.
std::string CaptureHeaderAsJson(const CaptureHeader& header);

// Fails for any other text; ignores unknown keys.
absl::StatusOr<CaptureHeader> ParseCaptureHeader(std::string_view json);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_HEADER_H_
