// CaptureBlocks: reads the intact blocks of a capture file in order, and reports the damage between
// them.
//
// It returns a block only if both of its checksums are right, and resumes behind damage at the next
// header with a right checksum. Memory: some blocks. Time: linear in the file.
//
// Not thread-safe: one caller at a time.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_BLOCKS_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/capture_file/capture_format.h"

namespace inlay::analysis {

struct CaptureBlock {
  CaptureBlockHeader header;
  uint64_t offset = 0;  // of the block in the file
  std::vector<uint8_t> payload;
};

// Bytes that are not in an intact block.
struct CaptureDamage {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::optional<uint8_t> type;  // of their block, if its header is intact
  bool at_end = false;          // they are the last ones of the file
};

class CaptureBlocks {
 public:
  explicit CaptureBlocks(InputFile file) : file_(std::move(file)) {}

  // Stores the next intact block; false at the end of the file. damage() then has the bytes skipped
  // before it.
  bool Next(CaptureBlock* block);

  // The bytes that the last Next() skipped, at most one piece.
  const std::optional<CaptureDamage>& damage() const { return damage_; }
  // The read error that ended the reading early, or OK.
  const absl::Status& read_error() const { return read_error_; }

  const std::string& name() const { return file_.name(); }
  // The position of the search for the next block; the size of the file after the last Next().
  uint64_t offset() const { return offset_; }
  uint64_t TakeUsedBytes() { return file_.TakeUsedBytes(); }

 private:
  std::span<const uint8_t> Ahead() const { return std::span(buffer_).subspan(begin_); }
  bool Fill(size_t bytes);
  void Skip(size_t bytes);
  bool TakeBlock(CaptureBlock* block, std::optional<uint8_t>* type);
  bool FindHeader();

  InputFile file_;
  std::vector<uint8_t> buffer_;  // read from the file; unused from begin_ on
  size_t begin_ = 0;
  uint64_t offset_ = 0;        // of begin_ in the file
  bool at_end_ = false;        // the file has no more bytes to read
  uint64_t wasted_bytes_ = 0;  // hashed in vain
  std::optional<CaptureDamage> damage_;
  absl::Status read_error_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_BLOCKS_H_
