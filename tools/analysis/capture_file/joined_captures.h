// JoinedCaptures: the blocks of all captures of one or more files, as one data set: the captures
// must have the same values.
//
// Not thread-safe: one caller at a time.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_JOINED_CAPTURES_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_JOINED_CAPTURES_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/capture_file/capture_blocks.h"
#include "tools/analysis/capture_file/capture_header.h"
#include "tools/analysis/capture_file/capture_losses.h"
#include "tools/analysis/values/record_source.h"
#include "tools/analysis/values/struct_fields.h"

namespace inlay::analysis {

class JoinedCaptures {
 public:
  enum class Event {
    kDescription,  // a capture begins
    kBlock,        // block() is one of it
    kCaptureEnd,   // nothing more of it follows
    kInputEnd,
  };

  // `named` are the fields that the options name. Next() adds to `bytes_read` and `losses`, which
  // must outlive this, and calls `on_capture_end` where a capture ends, before it adds what the
  // capture lacks.
  JoinedCaptures(Inputs inputs, std::optional<StructFields> named,
                 std::atomic<uint64_t>* bytes_read, CaptureLosses* losses,
                 std::function<void()> on_capture_end);
  JoinedCaptures(const JoinedCaptures&) = delete;
  JoinedCaptures& operator=(const JoinedCaptures&) = delete;

  // Reads up to the next event, the first of which is a description. Fails for a file that is no
  // capture, of another version, or without a description, and for captures that do not fit
  // together or to the options.
  absl::StatusOr<Event> Next();

  // The last block that Next() read; the caller may take its payload.
  CaptureBlock& block() { return block_; }
  // Says that the capture has the block at its end, so that it is not cut off.
  void MarkEnd() { capture_has_end_ = true; }

  // Of the file that is read. REQUIRES: a capture is open.
  const std::string& file_name() const { return blocks_->name(); }
  // Of the capture that is read.
  const CaptureProvenance& provenance() const { return provenance_; }
  // How many captures have begun.
  uint64_t count() const { return count_; }
  // Constant after the first description: with the fields of the options, if it has none itself.
  const RecordSchema& schema() const { return schema_; }
  bool series() const { return series_; }

 private:
  // Whether block_ is behind all that were read of its capture.
  bool IsInOrder();
  absl::StatusOr<Event> EndFile();
  // Begins what block_ describes.
  absl::Status StartCapture();
  // The description of the first capture is the schema.
  absl::Status Describe(const CaptureHeader& header);
  void EndCapture();

  const std::string first_path_;
  const std::optional<StructFields> named_;
  std::atomic<uint64_t>* const bytes_read_;
  CaptureLosses* const losses_;
  const std::function<void()> on_capture_end_;

  RecordSchema first_schema_;  // as the first capture has it
  RecordSchema schema_;
  bool series_ = false;
  uint64_t count_ = 0;

  Inputs inputs_;
  std::unique_ptr<CaptureBlocks> blocks_;  // of the file that is read; null between files
  CaptureBlock block_;
  bool after_damage_ = false;  // what is missing before the next block is known already
  bool in_unknown_capture_ = false;

  // Of the capture that is read.
  std::optional<uint32_t> capture_id_;  // nothing: there is none
  uint64_t next_block_ = 0;             // above the numbers of all blocks that were read
  CaptureProvenance provenance_;
  bool capture_has_end_ = false;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_JOINED_CAPTURES_H_
