// JoinedCaptures: the blocks of all captures in one or more files, as one data set. All captures
// must have the same kind of values.
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
    kBlock,        // block() belongs to it
    kCaptureEnd,   // it has no more blocks
    kInputEnd,
  };

  // `named` are the fields that the options name. Next() adds to `bytes_read` and `losses`, which
  // must outlive this object, and calls `on_capture_end` at the end of a capture, before it adds
  // the losses of the capture.
  JoinedCaptures(Inputs inputs, std::optional<StructFields> named,
                 std::atomic<uint64_t>* bytes_read, CaptureLosses* losses,
                 std::function<void()> on_capture_end);
  JoinedCaptures(const JoinedCaptures&) = delete;
  JoinedCaptures& operator=(const JoinedCaptures&) = delete;

  // Reads up to the next event, the first of which is a description. Fails for a file that is not a
  // capture, has another version, or lacks a description, and for captures that do not match each
  // other or the options.
  absl::StatusOr<Event> Next();

  // The last block that Next() read; the caller may take its payload.
  CaptureBlock& block() { return block_; }
  // Records that the capture has its end block, so it is not truncated.
  void MarkEnd() { capture_has_end_ = true; }

  // The name of the current file. REQUIRES: a capture is open.
  const std::string& file_name() const { return blocks_->name(); }
  // Of the capture that is read.
  const CaptureProvenance& provenance() const { return provenance_; }
  // The number of captures begun.
  uint64_t count() const { return count_; }
  // Constant after the first description. Has the fields of the options if the capture has none.
  const RecordSchema& schema() const { return schema_; }
  bool series() const { return series_; }

 private:
  // Whether block_ is behind all previous blocks of its capture.
  bool IsInOrder();
  absl::StatusOr<Event> EndFile();
  // Begins the capture that block_ describes.
  absl::Status StartCapture();
  // The description of the first capture is the schema.
  absl::Status Describe(const CaptureHeader& header);
  void EndCapture();

  const std::string first_name_;
  const std::optional<StructFields> named_;
  std::atomic<uint64_t>* const bytes_read_;
  CaptureLosses* const losses_;
  const std::function<void()> on_capture_end_;

  RecordSchema first_schema_;  // of the first capture
  RecordSchema schema_;
  bool series_ = false;
  uint64_t count_ = 0;

  Inputs inputs_;
  std::unique_ptr<CaptureBlocks> blocks_;  // of the current file; null between files
  CaptureBlock block_;
  bool after_damage_ = false;  // the loss before the next block is already reported
  bool in_unknown_capture_ = false;

  // Of the capture that is read.
  std::optional<uint32_t> capture_id_;  // nothing: there is none
  uint64_t next_block_ = 0;             // above the numbers of all blocks so far
  CaptureProvenance provenance_;
  bool capture_has_end_ = false;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_JOINED_CAPTURES_H_
