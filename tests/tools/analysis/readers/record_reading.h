// Reads a whole RecordSource, for tests that look at records one by one.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_READERS_RECORD_READING_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_READERS_RECORD_READING_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::analysis {

// Lives as long as `bytes`.
inline std::string_view AsText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// All values in the order of the input, or the first error.
inline absl::StatusOr<std::vector<std::string>> ReadAll(RecordSource& source) {
  std::vector<std::string> values;
  RecordBlock block;
  for (;;) {
    absl::StatusOr<bool> more = source.Next(block);
    if (!more.ok()) return more.status();
    if (!*more) return values;
    for (size_t i = 0; i < block.size(); ++i) values.emplace_back(AsText(block[i]));
  }
}

// The notes that put the figures in doubt. REQUIRES: all is read.
inline std::vector<std::string> DoubtsOf(const RecordSource& source) {
  std::vector<std::string> doubts;
  for (const InputNote& note : source.Notes(UINT64_MAX)) {
    if (note.doubt) doubts.push_back(note.text);
  }
  return doubts;
}

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_READERS_RECORD_READING_H_
