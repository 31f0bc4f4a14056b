#include "tools/analysis/readers/raw_records.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/values/record_limits.h"

namespace inlay::analysis {
namespace {

// Large enough that a system call costs nothing per record, small enough that the bytes are still
// in a core's second-level cache when they are hashed.
constexpr uint64_t kRawBlockBytes = uint64_t{256} << 10;

class RawRecords final : public RecordSource {
 public:
  RawRecords(Inputs inputs, uint64_t value_bytes, std::vector<ValueField> fields)
      : inputs_(std::move(inputs)) {
    schema_.kind = RecordSchema::Kind::kRaw;
    schema_.value_bytes = value_bytes;
    schema_.fields = std::move(fields);
    block_bytes_ = std::max(value_bytes, kRawBlockBytes / value_bytes * value_bytes);
  }

  absl::StatusOr<bool> Next(RecordBlock& block) override {
    block.ClearRecords();
    Part part;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      block.set_sequence(sequence_++);
      if (finished_) return false;
      absl::StatusOr<Part> taken = TakePart(block);
      if (!taken.ok()) {
        finished_ = true;
        return taken.status();
      }
      if (taken->bytes == 0) {
        finished_ = true;
        return false;
      }
      part = *std::move(taken);
    }
    if (part.positioned != nullptr) {
      // Reads outside the lock, so that all threads copy from the page cache at the same time.
      Resize(block, part.bytes);
      absl::StatusOr<size_t> got =
          part.positioned->ReadAt(part.offset_bytes, std::span(block.buffer()).first(part.bytes));
      if (got.ok() && *got != part.bytes) {
        got = absl::InvalidArgumentError(
            absl::StrCat(part.positioned->name(), ": became shorter while it was read, at byte ",
                         part.offset_bytes + *got));
      }
      if (!got.ok()) {
        std::lock_guard<std::mutex> lock(mutex_);
        finished_ = true;
        return got.status();
      }
    }
    block.SetStride(schema_.value_bytes, part.bytes / schema_.value_bytes);
    if (part.positioned != nullptr) bytes_read_.fetch_add(part.bytes, std::memory_order_relaxed);
    return true;
  }

 private:
  // A piece of input that one block will hold.
  struct Part {
    size_t bytes = 0;                             // 0: the input has ended
    uint64_t offset_bytes = 0;                    // in the file
    std::shared_ptr<const InputFile> positioned;  // null: the bytes are in the block already
  };

  static void Resize(RecordBlock& block, size_t bytes) {
    // Never shrinks, so that the buffer is zero-filled once and not for every block.
    if (block.buffer().size() < bytes) block.buffer().resize(bytes);
  }

  // Takes the next part of the current file, opening the next one at its end. Holds mutex_.
  absl::StatusOr<Part> TakePart(RecordBlock& block) {
    for (;;) {
      if (file_ == nullptr) {
        absl::StatusOr<std::optional<InputFile>> next = inputs_.Take();
        if (!next.ok()) return next.status();
        if (!next->has_value()) return Part();
        file_ = std::make_shared<InputFile>(**std::move(next));
        offset_bytes_ = 0;
      }
      const std::optional<uint64_t> size_bytes = file_->size_bytes();
      Part part;
      part.offset_bytes = offset_bytes_;
      if (size_bytes.has_value()) {
        // Fails before counting starts, not after reading gigabytes.
        if (*size_bytes % schema_.value_bytes != 0) return Truncated(*size_bytes);
        part.bytes = std::min(block_bytes_, *size_bytes - offset_bytes_);
        part.positioned = file_;
      } else {
        Resize(block, block_bytes_);
        absl::StatusOr<size_t> got = file_->Read(std::span(block.buffer()).first(block_bytes_));
        if (!got.ok()) return got.status();
        bytes_read_.fetch_add(file_->TakeUsedBytes(), std::memory_order_relaxed);
        if (*got == 0 && offset_bytes_ == 0) {
          return absl::InvalidArgumentError(absl::StrCat(file_->name(), ": is empty"));
        }
        if (*got % schema_.value_bytes != 0) return Truncated(offset_bytes_ + *got);
        part.bytes = *got;
      }
      offset_bytes_ += part.bytes;
      if (part.bytes != 0) return part;
      file_ = nullptr;
    }
  }

  absl::Status Truncated(uint64_t size_bytes) const {
    const uint64_t rest = size_bytes % schema_.value_bytes;
    return absl::InvalidArgumentError(absl::StrCat(file_->name(), ": the last record, at byte ",
                                                   size_bytes - rest, ", has only ", rest, " of ",
                                                   schema_.value_bytes, " bytes"));
  }

  uint64_t block_bytes_;  // constant after construction; a multiple of the value size

  std::mutex mutex_;  // guards everything below
  Inputs inputs_;
  std::shared_ptr<InputFile> file_;  // the current file; null between files
  uint64_t offset_bytes_ = 0;        // of the next part in file_
  uint64_t sequence_ = 0;
  bool finished_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenRawRecords(Inputs inputs, uint64_t value_bytes,
                                                             std::vector<ValueField> fields) {
  if (value_bytes == 0 || value_bytes > kMaxRecordBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a value of ", value_bytes,
                                                   " bytes is not possible: the limits are 1 and ",
                                                   kMaxRecordBytes, " bytes"));
  }
  return std::make_unique<RawRecords>(std::move(inputs), value_bytes, std::move(fields));
}

}  // namespace inlay::analysis
