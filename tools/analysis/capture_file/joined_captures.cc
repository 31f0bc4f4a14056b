#include "tools/analysis/capture_file/joined_captures.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/capture_file/capture_format.h"

namespace inlay::analysis {
namespace {

// Whether both have the same members, ignoring the names of their types.
bool SameMembers(const std::vector<ValueField>& a, const std::vector<ValueField>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [](const ValueField& x, const ValueField& y) {
        return x.name == y.name && x.kind == y.kind && x.offset_bits == y.offset_bits &&
               x.size_bits == y.size_bits && x.big_endian == y.big_endian;
      });
}

}  // namespace

JoinedCaptures::JoinedCaptures(Inputs inputs, std::optional<StructFields> named,
                               std::atomic<uint64_t>* bytes_read, CaptureLosses* losses,
                               std::function<void()> on_capture_end)
    : first_name_(inputs.first_name()),
      named_(std::move(named)),
      bytes_read_(bytes_read),
      losses_(losses),
      on_capture_end_(std::move(on_capture_end)),
      inputs_(std::move(inputs)) {}

absl::StatusOr<JoinedCaptures::Event> JoinedCaptures::Next() {
  for (;;) {
    if (blocks_ == nullptr) {
      absl::StatusOr<std::optional<InputFile>> next = inputs_.Take();
      if (!next.ok()) return next.status();
      if (!next->has_value()) return Event::kInputEnd;
      blocks_ = std::make_unique<CaptureBlocks>(**std::move(next));
    }
    const bool more = blocks_->Next(&block_);
    bytes_read_->fetch_add(blocks_->TakeUsedBytes(), std::memory_order_relaxed);
    if (blocks_->damage().has_value()) {
      losses_->AddDamage(blocks_->name(), *blocks_->damage());
      after_damage_ = true;
    }
    if (!more) return EndFile();
    if (block_.header.version != kCaptureVersion) {
      return absl::InvalidArgumentError(absl::StrCat(
          blocks_->name(), ": at byte ", block_.offset, ": a block of version ",
          block_.header.version, " of the format; this program reads version ", kCaptureVersion));
    }
    const bool same_capture = capture_id_.has_value() && *capture_id_ == block_.header.capture_id;
    if (block_.header.type == static_cast<uint8_t>(CaptureBlockType::kHeader)) {
      if (same_capture) {  // a copy
        (void)IsInOrder();
        continue;
      }
      EndCapture();
      absl::Status status = StartCapture();
      if (!status.ok()) return status;
      return Event::kDescription;
    }
    if (!same_capture) {
      if (!std::exchange(in_unknown_capture_, true)) {
        losses_->AddMalformed(blocks_->name(), block_,
                              "it belongs to a capture whose description is lost");
      }
      continue;
    }
    if (IsInOrder()) return Event::kBlock;
  }
}

bool JoinedCaptures::IsInOrder() {
  const uint32_t number = block_.header.number;
  if (number < next_block_) {
    losses_->AddMalformed(blocks_->name(), block_, "it repeats an earlier one");
    return false;
  }
  if (number > next_block_ && !after_damage_) {
    losses_->Add(blocks_->name(),
                 absl::StrCat("at byte ", block_.offset, ": ", number - next_block_,
                              number - next_block_ == 1 ? " block is" : " blocks are",
                              " missing before this place"));
  }
  next_block_ = number + uint64_t{1};
  after_damage_ = false;
  return true;
}

absl::StatusOr<JoinedCaptures::Event> JoinedCaptures::EndFile() {
  const std::string name = blocks_->name();
  if (!blocks_->read_error().ok()) {
    if (!capture_id_.has_value()) return blocks_->read_error();
    losses_->Add(name,
                 absl::StrCat("cannot be read to its end: ", blocks_->read_error().message()));
  }
  if (blocks_->offset() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": is empty"));
  }
  if (!capture_id_.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": is not a capture, or the block that describes its values is damaged or cut ",
        "off: the file is unreadable without it"));
  }
  EndCapture();
  blocks_.reset();
  after_damage_ = false;
  in_unknown_capture_ = false;
  return Event::kCaptureEnd;
}

absl::Status JoinedCaptures::StartCapture() {
  const std::string_view json(reinterpret_cast<const char*>(block_.payload.data()),
                              block_.payload.size());
  absl::StatusOr<CaptureHeader> header = ParseCaptureHeader(json);
  const auto wrong = [&](const auto&... what) {
    return absl::InvalidArgumentError(
        absl::StrCat(blocks_->name(), ": at byte ", block_.offset, ": ", what...));
  };
  if (!header.ok()) return wrong("invalid description of values: ", header.status().message());
  StructFields fields = {std::move(header->schema.fields), header->schema.value_bytes};
  if (!fields.fields.empty()) AddPadding(&fields);
  header->schema.fields = std::move(fields.fields);
  if (count_ == 0) {
    absl::Status status = Describe(*header);
    if (!status.ok()) return status;
  } else {
    if (!SameCaptureValues(header->schema, first_schema_)) {
      return wrong("its values are not those of ",
                   first_name_ == file_name() ? "the start" : first_name_,
                   ": they have another size or other fields");
    }
    if (header->series != series_) {
      return wrong("a series of snapshots cannot be read together with a single one");
    }
  }
  ++count_;
  provenance_ = std::move(header->provenance);
  capture_id_ = block_.header.capture_id;
  next_block_ = block_.header.number + uint64_t{1};
  after_damage_ = false;
  in_unknown_capture_ = false;
  capture_has_end_ = false;
  return absl::OkStatus();
}

absl::Status JoinedCaptures::Describe(const CaptureHeader& header) {
  first_schema_ = header.schema;
  schema_ = header.schema;
  schema_.format_name = "Capture";
  series_ = header.series;
  if (!named_.has_value()) return absl::OkStatus();
  if (named_->value_bytes != schema_.value_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(blocks_->name(), ": is a capture of values of ", schema_.value_bytes,
                     " bytes, and the options say ", named_->value_bytes));
  }
  if (named_->fields.empty()) return absl::OkStatus();
  if (!schema_.fields.empty()) {
    if (SameMembers(named_->fields, schema_.fields)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(blocks_->name(), ": is a capture that describes its own fields, and ",
                     "the options describe others: leave out --fields, or --btf and --type"));
  }
  schema_.fields = named_->fields;
  return absl::OkStatus();
}

void JoinedCaptures::EndCapture() {
  if (!capture_id_.has_value()) return;
  on_capture_end_();
  if (!capture_has_end_) {
    losses_->Add(blocks_->name(),
                 "has no block that ends the capture: it was cut off, or is still being written");
  }
  capture_id_.reset();
}

}  // namespace inlay::analysis
