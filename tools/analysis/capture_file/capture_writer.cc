#include "tools/analysis/capture_file/capture_writer.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/values/struct_fields.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {
namespace {

// Damage to a block of values loses all records with these values, so small blocks are worth their
// headers.
constexpr size_t kDictionaryBlockBytes = size_t{4} << 10;
constexpr size_t kRecordsPerBlock = size_t{32} << 10;
constexpr size_t kBufferBytes = size_t{64} << 10;

}  // namespace

class CaptureWriter::Impl {
 public:
  Impl(int fd, std::string name, CaptureHeader header, uint32_t id, std::function<bool()> stop)
      : fd_(fd),
        name_(std::move(name)),
        header_(std::move(header)),
        id_(id),
        stop_(std::move(stop)) {
    struct stat about = {};
    may_block_ = fstat(fd_, &about) != 0 || !S_ISREG(about.st_mode);
  }

  absl::Status WriteHeader() {
    const std::string json = CaptureHeaderAsJson(header_);
    if (json.size() > kMaxCapturePayloadBytes) {
      return absl::InvalidArgumentError(absl::StrCat("the description of the values takes ",
                                                     json.size(), " bytes, above the limit of ",
                                                     kMaxCapturePayloadBytes));
    }
    // Writes it twice: without it the whole file is unreadable.
    Append(CaptureBlockType::kHeader, json);
    Append(CaptureBlockType::kHeader, json);
    return Flush();
  }

  absl::Status BeginSnapshot(uint64_t time_ns) {
    if (absl::Status status = Check(State::kBetween, "BeginSnapshot"); !status.ok()) return status;
    if (snapshots_ != 0 && !header_.series) {
      return absl::FailedPreconditionError("BeginSnapshot: only a series has several snapshots");
    }
    state_ = State::kInSnapshot;
    snapshot_records_ = 0;
    Append(CaptureBlockType::kSnapshot, CaptureSnapshotStart{snapshots_, time_ns}.Encode());
    return absl::OkStatus();
  }

  absl::Status Add(std::span<const uint8_t> value, uint64_t copies) {
    if (absl::Status status = Check(State::kInSnapshot, "Add"); !status.ok()) return status;
    if (value.size() != header_.schema.value_bytes) {
      return absl::InvalidArgumentError(absl::StrCat("Add: a value of ", value.size(),
                                                     " bytes, not ", header_.schema.value_bytes));
    }
    if (copies == 0) return absl::OkStatus();
    absl::StatusOr<uint32_t> index = IndexOf(value);
    if (!index.ok()) return index.status();
    while (copies != 0) {
      const size_t more = std::min<uint64_t>(copies, kRecordsPerBlock - indexes_.size());
      indexes_.insert(indexes_.end(), more, *index);
      copies -= more;
      if (indexes_.size() == kRecordsPerBlock) {
        if (absl::Status status = WriteRecords(); !status.ok()) return status;
      }
    }
    return absl::OkStatus();
  }

  absl::Status EndSnapshot(bool complete, std::string_view why) {
    if (absl::Status status = Check(State::kInSnapshot, "EndSnapshot"); !status.ok()) return status;
    if (absl::Status status = WriteRecords(); !status.ok()) return status;
    CaptureSnapshotEnd end = {snapshots_, complete, snapshot_records_, {}};
    constexpr size_t kMaxWhyBytes = 4096;
    if (!complete) end.why = why.substr(0, kMaxWhyBytes);
    Append(CaptureBlockType::kSnapshotEnd, end.Encode());
    ++snapshots_;
    state_ = State::kBetween;
    return Sync();
  }

  absl::Status Finish() {
    if (absl::Status status = Check(State::kBetween, "Finish"); !status.ok()) return status;
    Append(CaptureBlockType::kEnd, CaptureEnd{snapshots_}.Encode());
    state_ = State::kFinished;
    return Sync();
  }

  uint64_t records() const { return records_ + indexes_.size(); }
  uint64_t bytes_written() const { return bytes_written_; }

 private:
  enum class State { kBetween, kInSnapshot, kFinished };

  absl::Status Check(State wanted, std::string_view function) const {
    if (!failed_.ok()) return failed_;
    if (state_ == wanted) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat(std::string(function), ": called out of order"));
  }

  // The number of `value` in the dictionary. Adds the value if it is new.
  absl::StatusOr<uint32_t> IndexOf(std::span<const uint8_t> value) {
    uint32_t index = 0;
    values_.AddValues({&value, 1}, &index);
    const bool is_full = values_.values().size() > kMaxCaptureDictionaryValues ||
                         values_.value_bytes() > kMaxCaptureDictionaryBytes;
    if (is_full) {
      // The last value does not fit, and is not in a block yet: it becomes the first of the next
      // dictionary.
      if (absl::Status status = WriteRecords(); !status.ok()) return status;
      values_ = ValueCounter();
      ++dictionary_;
      written_values_ = 0;
      values_.AddValues({&value, 1}, &index);
    }
    return index;
  }

  // Writes the values that no block has yet, up to the last one that `indexes_` needs.
  absl::Status WriteValues(size_t end) {
    const size_t per_block =
        std::max<size_t>(1, kDictionaryBlockBytes / header_.schema.value_bytes);
    while (written_values_ < end) {
      const size_t block_end = std::min(end, written_values_ + per_block);
      std::string payload =
          CaptureDictionaryPart{dictionary_, static_cast<uint32_t>(written_values_)}.Encode();
      for (; written_values_ < block_end; ++written_values_) {
        const std::span<const uint8_t> bytes = values_.values()[written_values_].bytes();
        payload.append(bytes.begin(), bytes.end());
      }
      Append(CaptureBlockType::kDictionary, payload);
      if (absl::Status status = FlushIfLarge(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status WriteRecords() {
    if (indexes_.empty()) return absl::OkStatus();
    const uint32_t largest = *std::max_element(indexes_.begin(), indexes_.end());
    if (absl::Status status = WriteValues(largest + size_t{1}); !status.ok()) return status;
    const auto index_bits =
        static_cast<uint8_t>(std::max(1U, static_cast<unsigned>(std::bit_width(largest))));
    std::string payload = CaptureRecordsPart{snapshots_, dictionary_, snapshot_records_,
                                             static_cast<uint32_t>(indexes_.size()), index_bits}
                              .Encode();
    AppendPackedIndexes(indexes_, index_bits, &payload);
    Append(CaptureBlockType::kRecords, payload);
    snapshot_records_ += indexes_.size();
    records_ += indexes_.size();
    indexes_.clear();
    return FlushIfLarge();
  }

  void Append(CaptureBlockType type, std::string_view payload) {
    AppendCaptureBlock(type, next_block_++, id_, payload, &out_);
  }

  absl::Status FlushIfLarge() { return out_.size() < kBufferBytes ? absl::OkStatus() : Flush(); }

  absl::Status Flush() {
    std::string_view left = out_;
    while (!left.empty()) {
      size_t bytes = left.size();
      if (stop_ && may_block_) {
        if (absl::Status status = WaitForRoom(); !status.ok()) return status;
        bytes = std::min<size_t>(bytes, PIPE_BUF);
      }
      const ssize_t written = write(fd_, left.data(), bytes);
      if (written < 0) {
        if (errno == EINTR) continue;
        return Fail();
      }
      left.remove_prefix(static_cast<size_t>(written));
      bytes_written_ += static_cast<uint64_t>(written);
    }
    out_.clear();
    return absl::OkStatus();
  }

  // Waits until PIPE_BUF bytes can be written without blocking, or until a write would fail. A
  // write that blocks itself would not end if the signal that sets stop_ came just before it.
  absl::Status WaitForRoom() {
    constexpr int kSliceMs = 100;
    constexpr int kPatientSlices = 10;
    for (int slices = 0; slices < kPatientSlices;) {
      pollfd ready = {.fd = fd_, .events = POLLOUT, .revents = 0};
      if (poll(&ready, 1, kSliceMs) > 0) return absl::OkStatus();
      if (stop_()) ++slices;
    }
    failed_ = absl::CancelledError(absl::StrCat(name_, ": interrupted while waiting for a reader"));
    return failed_;
  }

  // Flushes the file to the disk, if it is on one.
  absl::Status Sync() {
    if (absl::Status status = Flush(); !status.ok()) return status;
    if (fdatasync(fd_) != 0 && errno != EINVAL && errno != ENOSYS && errno != EROFS) return Fail();
    return absl::OkStatus();
  }

  absl::Status Fail() {
    failed_ = absl::UnavailableError(
        absl::StrCat(name_, ": cannot write: ", std::generic_category().message(errno)));
    return failed_;
  }

  const int fd_;
  const std::string name_;
  const CaptureHeader header_;
  const uint32_t id_;
  const std::function<bool()> stop_;
  bool may_block_ = true;
  State state_ = State::kBetween;
  absl::Status failed_;  // the first failure; every later call returns it

  ValueCounter values_;  // the dictionary: a value's place is its number
  uint32_t dictionary_ = 0;
  size_t written_values_ = 0;
  std::vector<uint32_t> indexes_;  // of the records that are not in a block yet
  uint32_t snapshots_ = 0;         // that have ended
  uint64_t snapshot_records_ = 0;  // of this snapshot, in blocks
  uint64_t records_ = 0;           // of all, in blocks

  uint32_t next_block_ = 0;
  std::string out_;  // blocks to write
  uint64_t bytes_written_ = 0;
};

CaptureWriter::CaptureWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CaptureWriter::~CaptureWriter() = default;

absl::StatusOr<std::unique_ptr<CaptureWriter>> CaptureWriter::Create(int fd, std::string name,
                                                                     CaptureHeader header,
                                                                     uint32_t id,
                                                                     std::function<bool()> stop) {
  if (absl::Status status = CheckCaptureSchema(header.schema); !status.ok()) return status;
  if (!header.schema.fields.empty()) {
    StructFields fields = {std::move(header.schema.fields), header.schema.value_bytes};
    AddPadding(&fields);
    header.schema.fields = std::move(fields.fields);
  }
  while (id == 0) id = std::random_device()();
  auto impl = std::make_unique<Impl>(fd, std::move(name), std::move(header), id, std::move(stop));
  if (absl::Status status = impl->WriteHeader(); !status.ok()) return status;
  return std::unique_ptr<CaptureWriter>(new CaptureWriter(std::move(impl)));
}

absl::Status CaptureWriter::BeginSnapshot(uint64_t time_ns) {
  return impl_->BeginSnapshot(time_ns);
}
absl::Status CaptureWriter::Add(std::span<const uint8_t> value, uint64_t copies) {
  return impl_->Add(value, copies);
}
absl::Status CaptureWriter::EndSnapshot(bool complete, std::string_view why) {
  return impl_->EndSnapshot(complete, why);
}
absl::Status CaptureWriter::Finish() { return impl_->Finish(); }
uint64_t CaptureWriter::records() const { return impl_->records(); }
uint64_t CaptureWriter::bytes_written() const { return impl_->bytes_written(); }

}  // namespace inlay::analysis
