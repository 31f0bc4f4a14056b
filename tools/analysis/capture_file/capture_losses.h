// CaptureLosses: sentences about the unreadable parts of captures.
//
// Not thread-safe: one caller at a time.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_LOSSES_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_LOSSES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/analysis/capture_file/capture_blocks.h"

namespace inlay::analysis {

// "2026-11-23T04:40:12.345Z".
std::string CaptureTimeText(uint64_t time_ns);

// Arbitrary `text` from a file as a part of a message: cut, and without control characters.
std::string CaptureText(std::string_view text, size_t max_bytes = 200);

// The part of one snapshot that was read.
struct CaptureSnapshotRecords {
  uint32_t number = 0;
  std::optional<uint64_t> time_ns;  // nothing: its block is lost
  bool in_series = false;
  uint64_t next_record = 0;       // one more than the number of the last record seen
  uint64_t readable = 0;          // records that were read
  uint64_t lost_with_block = 0;   // records in lost blocks
  uint64_t lost_with_value = 0;   // records whose values are lost
  std::optional<uint64_t> total;  // from the block at its end

  // "the snapshot of 2026-11-23T04:40:12.345Z".
  std::string Name() const;
};

class CaptureLosses {
 public:
  // Adds "FILE: sentence.". Keeps only the first sentences, and the number of the others.
  void Add(std::string_view file, std::string_view sentence);

  // Reports a block that is intact but violates the format.
  void AddMalformed(std::string_view file, const CaptureBlock& block, std::string_view why);
  void AddDamage(std::string_view file, const CaptureDamage& damage);
  // Reports all losses of a snapshot.
  void AddSnapshot(std::string_view file, const CaptureSnapshotRecords& snapshot);

  std::vector<std::string> Sentences() const;
  bool empty() const { return sentences_.empty(); }
  const std::string& first() const { return sentences_.front(); }

 private:
  std::vector<std::string> sentences_;
  uint64_t left_out_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_LOSSES_H_
