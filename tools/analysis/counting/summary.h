// Summary: the counts as bytes, to send, keep, and add. Each machine of a fleet counts its own
// captures, and only summaries travel. docs/fleet.md has the format.
//
// Adding is associative and commutative: any split of the data, added in any order, gives the same
// summary, byte for byte, as long as all of them are exact. The sum of sampled ones has the highest
// of their levels.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_SUMMARY_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_SUMMARY_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/bytes/summary_start.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/values/input_note.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// Notes about the input, sorted, each once. It keeps the first kMost in that order, so the order of
// adding does not matter; doubts sort first, so that none gets lost.
class SummaryNotes {
 public:
  static constexpr size_t kMost = 20;

  void Add(InputNote note);
  void Add(const SummaryNotes& other);
  // For reading a written summary back.
  void SetMore() { more_ = true; }

  const std::set<InputNote>& notes() const { return notes_; }
  bool more() const { return more_; }  // some were left out

 private:
  std::set<InputNote> notes_;
  bool more_ = false;
};

struct Summary {
  RecordSchema schema;
  DistinctValues distinct;
  SummaryNotes notes = {};
};

// Whether values read with both are of the same kind, so that they can be compared.
bool SameValues(const RecordSchema& a, const RecordSchema& b);

// Values are sorted, so that equal summaries have equal bytes.
std::string WriteSummary(const Summary& summary);

// Reads the summary at the start of `bytes`, and takes it off them. Messages call the input `name`.
// Fails if it is not a summary, has another version, is truncated or damaged (by its checksum), or
// contradicts itself, as only a handmade summary does; `bytes` is then unchanged. The summary keeps
// to `budget_bytes`.
absl::StatusOr<Summary> ReadSummary(const std::string& name, std::string_view* bytes,
                                    size_t budget_bytes = BoundedCounter::kUnbounded);

// Adds `other` to `summary`. Fails, and changes nothing, if their kinds of values differ, or if
// they have more than 2^64 - 1 records together; the message calls `other` `name`.
absl::Status AddSummary(const std::string& name, Summary&& other, Summary* summary);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_SUMMARY_H_
