// Reads JSON: an object in every line, objects one after the other, or arrays of objects.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_JSON_RECORDS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_JSON_RECORDS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// The longest object in bytes.
inline constexpr size_t kMaxObjectBytes = size_t{1} << 20;
// The most members that tell records apart.
inline constexpr size_t kMaxJsonFields = 4096;
// The column of all members that the first records lack; its texts are objects.
inline constexpr char kOtherMembers[] = "(other members)";

struct JsonOptions {
  std::string columns;    // see column_selection.h; empty: all members
  bool detected = false;  // the format was guessed: add a doubt if the objects may not be records
};

// Reads `inputs` as objects; several files are one stream. The value of a
// record is a row with a cell for each chosen member, by its dotted name; see json_object.h. A
// missing member is an empty cell. Without `columns` the columns are the members of the first
// records, and, if more follow, one for all others. Reads the first records and fails for errors
// there, and for an input that is only an error message; Next() reports later errors. The last
// Next() fails for a name in `columns` that no record has.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenJsonRecords(Inputs inputs, JsonOptions options);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_JSON_RECORDS_H_
