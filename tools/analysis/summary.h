// Summary: what was counted, as bytes, so that it can be sent, kept, and added to others: a fleet's captures
// are counted where they are, and only summaries travel. docs/fleet.md has the format.
//
// Adding is associative and commutative: any split of the data, added in any order, gives the same summary,
// byte for byte, as long as all of them are exact. Of sampled ones the sum has the level of the one that was
// sampled most.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_SUMMARY_H_
#define INLAY_TOOLS_ANALYSIS_SUMMARY_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/distinct_values.h"
#include "tools/analysis/record_source.h"

namespace inlay::analysis {

struct Summary {
  RecordSchema schema;
  DistinctValues distinct;
};

// Whether values read with both are of the same kind, so that they can be compared.
bool SameValues(const RecordSchema& a, const RecordSchema& b);

// What every summary starts with.
inline constexpr std::string_view kSummaryMagic = "INLAYSUM";

// Values are sorted, so that equal summaries have equal bytes.
std::string WriteSummary(const RecordSchema& schema, const DistinctValues& distinct);

// Reads the summary that `bytes` starts with, and takes it off them. `name` is what messages call the input.
// Fails for what is no summary, of another version, cut off, or damaged (a checksum is compared); `bytes`
// is unchanged then. The summary keeps to `budget_bytes`.
absl::StatusOr<Summary> ReadSummary(const std::string& name, std::string_view* bytes,
                                    size_t budget_bytes = BoundedCounter::kUnbounded);

// Adds `other` to `summary`. Fails, and changes nothing, if they are of different values; `name` is what
// the message calls `other`.
absl::Status AddSummary(const std::string& name, Summary&& other, Summary* summary);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SUMMARY_H_
