#include "tools/analysis/capture_file/capture_records.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/capture_file/capture_blocks.h"
#include "tools/analysis/capture_file/capture_dictionary.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/capture_file/capture_header.h"
#include "tools/analysis/capture_file/capture_losses.h"

namespace inlay::analysis {
namespace {

// As for raw records: the values of a block are still in a core's second-level cache when they are
// hashed.
constexpr uint64_t kBlockBytes = uint64_t{256} << 10;

constexpr size_t kMaxDescribed = 4;

// What the keys of `more` begin with that are notes for people, as docs/format.md says; and of how
// much is shown.
constexpr std::string_view kNoteKey = "note ";
constexpr size_t kMaxCapturedNotes = 20;
constexpr size_t kMaxNoteBytes = 1000;

// Beyond this no number of records is believed, so that sums of them do not overflow.
constexpr uint64_t kMaxRecordNumber = uint64_t{1} << 48;

// Records that can be read, not copied yet.
struct Slice {
  std::vector<const uint8_t*> values;
  std::vector<uint64_t> copies;  // how many records each stands for; empty: one
  std::shared_ptr<const CaptureDictionary> dictionary;  // has their bytes
};

// Whether both have the same members, whatever C calls their types.
bool SameMembers(const std::vector<ValueField>& a, const std::vector<ValueField>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [](const ValueField& x, const ValueField& y) {
        return x.name == y.name && x.kind == y.kind && x.offset_bits == y.offset_bits &&
               x.size_bits == y.size_bits && x.big_endian == y.big_endian;
      });
}

class CaptureRecords final : public RecordSource {
 public:
  CaptureRecords(Inputs inputs, std::optional<StructFields> named, bool counted)
      : first_path_(inputs.first_path()),
        has_several_files_(inputs.size() > 1),
        named_(std::move(named)),
        counted_(counted),
        inputs_(std::move(inputs)) {}

  // Reads the description of the first file, and of a series the time of the first snapshot.
  absl::Status Start() {
    // Without a description the first file is an error.
    absl::StatusOr<Event> event = ReadEvent();
    if (!event.ok()) return event.status();
    if (!series_) return absl::OkStatus();
    absl::StatusOr<bool> more = FindSnapshot();
    if (!more.ok()) return more.status();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Next(RecordBlock& block) override {
    block.ClearRecords();
    Slice slice;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      block.set_sequence(sequence_++);
      absl::StatusOr<Step> step = Advance();
      if (!step.ok()) return step.status();
      if (*step != Step::kRecords) return false;
      slice = std::exchange(slice_, {});
    }
    // Outside the lock: all threads copy at the same time.
    const size_t value_bytes = schema_.value_bytes;
    std::vector<uint8_t>& buffer = block.buffer();
    const size_t bytes = slice.values.size() * value_bytes;
    if (buffer.size() < bytes) buffer.resize(bytes);
    uint8_t* out = buffer.data();
    for (const uint8_t* const value : slice.values) {
      std::memcpy(out, value, value_bytes);
      out += value_bytes;
    }
    block.SetStride(value_bytes, slice.values.size());
    block.SetCopies(std::move(slice.copies));
    return true;
  }

  absl::StatusOr<bool> NextSnapshot() override {
    std::lock_guard<std::mutex> lock(mutex_);
    return FindSnapshot();
  }

  std::string SnapshotName() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return snapshot_name_;
  }

  std::vector<InputNote> Notes(uint64_t /*distinct*/) const override {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<InputNote> notes;
    for (const std::string& sentence : described_) notes.push_back({sentence});
    if (captures_ > kMaxDescribed) {
      notes.push_back({absl::StrCat("There are ", captures_ - kMaxDescribed, " more captures.")});
    }
    const auto passed_over = [&notes](uint64_t snapshots, std::string_view what) {
      if (snapshots == 0) return;
      notes.push_back({absl::StrCat(snapshots, snapshots == 1 ? " snapshot has" : " snapshots have",
                                    " no record", std::string(what), ", and ",
                                    snapshots == 1 ? "is" : "are", " passed over.")});
    };
    passed_over(unreadable_snapshots_, " that can be read");
    passed_over(empty_snapshots_, "");
    for (std::string& sentence : losses_.Sentences()) notes.push_back(Doubt(std::move(sentence)));
    return notes;
  }

 private:
  enum class Step { kRecords, kSnapshotEnd, kInputEnd };
  enum class Event {
    kDescription,  // a capture begins
    kBlock,        // block_ is one of it
    kCaptureEnd,   // nothing more of it follows
    kInputEnd,
  };

  // A block of records, of which those from `next` on are not in a slice yet.
  struct Part {
    CaptureRecordsPart head;
    std::vector<uint8_t> payload;
    uint64_t next = 0;
  };

  // Everything below holds mutex_.

  // Goes on to the next snapshot that has a record; false if there is none.
  absl::StatusOr<bool> FindSnapshot() {
    for (;;) {
      snapshot_ended_ = false;
      absl::StatusOr<Step> step = Advance();
      if (!step.ok()) return step.status();
      if (*step == Step::kInputEnd) return false;
      if (*step == Step::kRecords) {
        snapshot_name_ = entered_name_;
        return true;
      }
      ++(had_no_records_ ? empty_snapshots_ : unreadable_snapshots_);
    }
  }

  // Makes sure that slice_ has records, unless the snapshot of a series, or the input, ends here.
  absl::StatusOr<Step> Advance() {
    for (;;) {
      if (!slice_.values.empty()) return Step::kRecords;
      if (tally_is_whole_) {
        TakeTally();
        continue;
      }
      if (finished_) return Step::kInputEnd;
      if (snapshot_ended_) return Step::kSnapshotEnd;
      if (part_.has_value()) {
        counted_ ? TallyPart() : TakeSlice();
        continue;
      }
      if (!std::exchange(held_, false)) {
        absl::StatusOr<Event> event = ReadEvent();
        if (event.ok() && *event == Event::kInputEnd) event = CheckThatSomethingWasRead();
        if (!event.ok()) {
          finished_ = true;
          tallied_.clear();
          tally_is_whole_ = false;
          return event.status();
        }
        if (*event == Event::kInputEnd) finished_ = true;
        if (*event != Event::kBlock) continue;
      }
      HandleBlock();
    }
  }

  absl::StatusOr<Event> CheckThatSomethingWasRead() const {
    if (records_ == 0 && !losses_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("no record can be read: ", losses_.first()));
    }
    return Event::kInputEnd;
  }

  // --- files and captures

  absl::StatusOr<Event> ReadEvent() {
    for (;;) {
      if (blocks_ == nullptr) {
        absl::StatusOr<std::optional<InputFile>> next = inputs_.Take();
        if (!next.ok()) return next.status();
        if (!next->has_value()) return Event::kInputEnd;
        blocks_ = std::make_unique<CaptureBlocks>(**std::move(next));
      }
      const bool more = blocks_->Next(&block_);
      bytes_read_.fetch_add(blocks_->TakeUsedBytes(), std::memory_order_relaxed);
      if (blocks_->damage().has_value()) {
        losses_.AddDamage(blocks_->name(), *blocks_->damage());
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
          losses_.AddMalformed(blocks_->name(), block_,
                               "it belongs to a capture whose description is lost");
        }
        continue;
      }
      if (IsInOrder()) return Event::kBlock;
    }
  }

  // Whether block_ is behind all that were read of its capture.
  bool IsInOrder() {
    const uint32_t number = block_.header.number;
    if (number < next_block_) {
      losses_.AddMalformed(blocks_->name(), block_, "it was there before");
      return false;
    }
    if (number > next_block_ && !after_damage_) {
      losses_.Add(blocks_->name(),
                  absl::StrCat("at byte ", block_.offset, ": ", number - next_block_,
                               number - next_block_ == 1 ? " block is" : " blocks are",
                               " missing before this place"));
    }
    next_block_ = number + uint64_t{1};
    after_damage_ = false;
    return true;
  }

  absl::StatusOr<Event> EndFile() {
    const std::string name = blocks_->name();
    if (!blocks_->read_error().ok()) {
      if (!capture_id_.has_value()) return blocks_->read_error();
      losses_.Add(name,
                  absl::StrCat("cannot be read to its end: ", blocks_->read_error().message()));
    }
    if (blocks_->offset() == 0) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": is empty"));
    }
    if (!capture_id_.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": is no capture, or the block that says what its values are is damaged or cut ",
          "off: nothing can be read without it"));
    }
    EndCapture();
    blocks_.reset();
    after_damage_ = false;
    in_unknown_capture_ = false;
    return Event::kCaptureEnd;
  }

  // Begins what block_ describes.
  absl::Status StartCapture() {
    const std::string_view json(reinterpret_cast<const char*>(block_.payload.data()),
                                block_.payload.size());
    absl::StatusOr<CaptureHeader> header = ParseCaptureHeader(json);
    const auto wrong = [&](const auto&... what) {
      return absl::InvalidArgumentError(
          absl::StrCat(blocks_->name(), ": at byte ", block_.offset, ": ", what...));
    };
    if (!header.ok()) return wrong("this is no description of values: ", header.status().message());
    StructFields fields = {std::move(header->schema.fields), header->schema.value_bytes};
    if (!fields.fields.empty()) AddPadding(&fields);
    header->schema.fields = std::move(fields.fields);
    if (captures_ == 0) {
      absl::Status status = Describe(*header);
      if (!status.ok()) return status;
    } else {
      if (!SameCaptureValues(header->schema, first_schema_)) {
        return wrong("its values are not those of ", first_path_ == "-" ? "the start" : first_path_,
                     ": they have another size or other fields");
      }
      if (header->series != series_) {
        return wrong("a series of snapshots cannot be read together with a single one");
      }
    }
    ++captures_;
    provenance_ = std::move(header->provenance);
    capture_id_ = block_.header.capture_id;
    next_block_ = block_.header.number + uint64_t{1};
    after_damage_ = false;
    in_unknown_capture_ = false;
    capture_has_end_ = false;
    is_described_ = false;
    next_snapshot_ = 0;
    dictionary_ = std::make_shared<CaptureDictionary>(0);
    return absl::OkStatus();
  }

  // The description of the first capture is the schema.
  absl::Status Describe(const CaptureHeader& header) {
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
          absl::StrCat(blocks_->name(), ": is a capture that says itself what its fields are, and ",
                       "the options say something else: leave out --fields, or --btf and --type"));
    }
    schema_.fields = named_->fields;
    return absl::OkStatus();
  }

  void EndCapture() {
    if (!capture_id_.has_value()) return;
    CloseSnapshot();
    if (!capture_has_end_) {
      losses_.Add(blocks_->name(),
                  "has no block that ends the capture: it was cut off, or is still being written");
    }
    capture_id_.reset();
    dictionary_.reset();
  }

  // --- snapshots and records

  // Handles block_; or holds it back, if a snapshot ends before it.
  void HandleBlock() {
    switch (static_cast<CaptureBlockType>(block_.header.type)) {
      case CaptureBlockType::kSnapshot:
        return HandleSnapshot();
      case CaptureBlockType::kDictionary:
        return HandleDictionary();
      case CaptureBlockType::kRecords:
        return HandleRecords();
      case CaptureBlockType::kSnapshotEnd:
        return HandleSnapshotEnd();
      case CaptureBlockType::kEnd:
        return HandleEnd();
      case CaptureBlockType::kHeader:
        break;
    }
    Malformed("this program does not know what it is");
  }

  void Malformed(std::string_view why) { losses_.AddMalformed(blocks_->name(), block_, why); }

  // Whether snapshot_ is `number`, opened if need be. If not, block_ is left out or held back.
  bool EnterSnapshot(uint32_t number, std::optional<uint64_t> time_ns) {
    if (snapshot_.has_value() && snapshot_->number == number && !time_ns.has_value()) return true;
    if (number < next_snapshot_) {
      Malformed("its snapshot has ended before");
      return false;
    }
    if (snapshot_.has_value()) {
      CloseSnapshot();
      held_ = true;
      return false;
    }
    if (number > next_snapshot_) {
      losses_.Add(blocks_->name(),
                  absl::StrCat(number - next_snapshot_,
                               number - next_snapshot_ == 1 ? " snapshot is" : " snapshots are",
                               " lost before byte ", block_.offset));
    }
    next_snapshot_ = number + uint64_t{1};
    snapshot_ = CaptureSnapshotRecords();
    snapshot_->number = number;
    snapshot_->time_ns = time_ns;
    snapshot_->in_series = series_;
    entered_name_ = time_ns.has_value() ? CaptureTimeText(*time_ns)
                                        : absl::StrCat("snapshot ", number + uint64_t{1});
    if (has_several_files_) entered_name_ = absl::StrCat(blocks_->name(), " ", entered_name_);
    DescribeOnce();
    return true;
  }

  // Ends the snapshot that is open, if one is.
  void CloseSnapshot() {
    if (!snapshot_.has_value()) return;
    losses_.AddSnapshot(blocks_->name(), *snapshot_);
    had_no_records_ = snapshot_->total == uint64_t{0};
    snapshot_.reset();
    snapshot_ended_ = series_;
    tally_is_whole_ = !tallied_.empty();
  }

  void HandleSnapshot() {
    const auto start = CaptureSnapshotStart::Parse(block_.payload);
    if (!start.has_value()) return Malformed("it is not as the format says");
    (void)EnterSnapshot(start->snapshot, start->time_ns);
  }

  void HandleSnapshotEnd() {
    const auto end = CaptureSnapshotEnd::Parse(block_.payload);
    if (!end.has_value() || end->records > kMaxRecordNumber) {
      return Malformed("it is not as the format says");
    }
    if (!EnterSnapshot(end->snapshot, std::nullopt)) return;
    if (end->records < snapshot_->next_record) {
      Malformed("it has fewer records than were there");
    } else {
      snapshot_->total = end->records;
      snapshot_->lost_with_block += end->records - snapshot_->next_record;
    }
    if (!end->complete) {
      losses_.Add(blocks_->name(),
                  absl::StrCat(snapshot_->Name(), " is partial", end->why.empty() ? "" : ": ",
                               CaptureText(end->why, kMaxNoteBytes)));
    }
    CloseSnapshot();
  }

  void HandleEnd() {
    const auto end = CaptureEnd::Parse(block_.payload);
    if (!end.has_value()) return Malformed("it is not as the format says");
    CloseSnapshot();
    capture_has_end_ = true;
    if (end->snapshots > next_snapshot_) {
      losses_.Add(blocks_->name(),
                  absl::StrCat(end->snapshots - next_snapshot_, " of ", end->snapshots,
                               end->snapshots == 1 ? " snapshot is lost" : " snapshots are lost",
                               " before byte ", block_.offset));
    }
  }

  void HandleDictionary() {
    const auto part = CaptureDictionaryPart::Parse(block_.payload, schema_.value_bytes);
    if (!part.has_value()) return Malformed("it is not as the format says");
    if (HoldsForTally(part->dictionary)) return;
    if (!UseDictionary(part->dictionary) ||
        !dictionary_->Add(part->first, std::move(block_.payload), CaptureDictionaryPart::kBytes,
                          schema_.value_bytes)) {
      Malformed("its values have numbers that cannot be");
    }
  }

  // Whether the tally has values of another dictionary than this one: they are given out before
  // block_ is handled.
  bool HoldsForTally(uint32_t dictionary) {
    if (tallied_.empty() || dictionary <= dictionary_->number()) return false;
    tally_is_whole_ = true;
    held_ = true;
    return true;
  }

  // Makes dictionary_ the one of this number. False if it was given up before.
  bool UseDictionary(uint32_t number) {
    if (number < dictionary_->number()) return false;
    if (number > dictionary_->number()) dictionary_ = std::make_shared<CaptureDictionary>(number);
    return true;
  }

  void HandleRecords() {
    const auto head = CaptureRecordsPart::Parse(block_.payload);
    if (!head.has_value() || head->first_record > kMaxRecordNumber) {
      return Malformed("it is not as the format says");
    }
    if (HoldsForTally(head->dictionary)) return;
    if (!EnterSnapshot(head->snapshot, std::nullopt)) return;
    if (head->first_record < snapshot_->next_record) {
      return Malformed("its records have numbers that were there before");
    }
    if (!UseDictionary(head->dictionary)) return Malformed("its values were given up before");
    snapshot_->lost_with_block += head->first_record - snapshot_->next_record;
    snapshot_->next_record = head->first_record + head->count;
    part_ = Part{*head, std::move(block_.payload), 0};
  }

  // Moves the next records of part_ to slice_, as far as their values are there.
  void TakeSlice() {
    const std::span<const uint8_t> packed =
        std::span(part_->payload).subspan(CaptureRecordsPart::kBytes);
    const uint64_t most = std::max<uint64_t>(1, kBlockBytes / schema_.value_bytes);
    const uint64_t end = std::min<uint64_t>(part_->head.count, part_->next + most);
    slice_.values.reserve(end - part_->next);
    const uint64_t taken = end - part_->next;
    for (uint64_t i = part_->next; i < end; ++i) {
      const uint8_t* const value =
          dictionary_->Find(PackedIndex(packed, part_->head.index_bits, i));
      if (value != nullptr) slice_.values.push_back(value);
    }
    slice_.dictionary = dictionary_;
    snapshot_->readable += slice_.values.size();
    snapshot_->lost_with_value += taken - slice_.values.size();
    records_ += slice_.values.size();
    part_->next = end;
    if (end == part_->head.count) part_.reset();
  }

  // Counts all of part_ by the numbers of its values.
  void TallyPart() {
    const std::span<const uint8_t> packed =
        std::span(part_->payload).subspan(CaptureRecordsPart::kBytes);
    tally_dictionary_ = dictionary_;
    uint64_t readable = 0;
    for (uint64_t i = 0; i < part_->head.count; ++i) {
      const uint32_t index = PackedIndex(packed, part_->head.index_bits, i);
      if (index >= tally_.size()) tally_.resize(size_t{index} + 1);
      uint64_t& count = tally_[index];
      if (count == 0) {
        if (dictionary_->Find(index) == nullptr) continue;
        tallied_.push_back(index);
      }
      ++count;
      ++readable;
    }
    snapshot_->readable += readable;
    snapshot_->lost_with_value += part_->head.count - readable;
    records_ += readable;
    part_.reset();
  }

  // Moves the next values of the tally to slice_, with their counts.
  void TakeTally() {
    const size_t most = std::max<uint64_t>(1, kBlockBytes / schema_.value_bytes);
    const size_t end = std::min(tallied_.size(), next_tallied_ + most);
    for (; next_tallied_ < end; ++next_tallied_) {
      const uint32_t index = tallied_[next_tallied_];
      slice_.values.push_back(tally_dictionary_->Find(index));
      slice_.copies.push_back(std::exchange(tally_[index], 0));
    }
    slice_.dictionary = tally_dictionary_;
    if (next_tallied_ < tallied_.size()) return;
    tallied_.clear();
    next_tallied_ = 0;
    tally_is_whole_ = false;
    tally_dictionary_.reset();
  }

  // Says once for each capture where it comes from.
  void DescribeOnce() {
    if (std::exchange(is_described_, true) || captures_ > kMaxDescribed) return;
    std::string text = absl::StrCat(blocks_->name(), ": captured");
    const auto add = [&](std::string_view before, const std::string& what,
                         std::string_view after = {}) {
      if (what.empty()) return;
      absl::StrAppend(&text, std::string(before), CaptureText(what), std::string(after));
    };
    add(" on ", provenance_.host);
    add(provenance_.host.empty() ? " with kernel " : ", kernel ", provenance_.kernel_release);
    if (snapshot_->time_ns.has_value()) {
      add(series_ ? ", first at " : " at ", CaptureTimeText(*snapshot_->time_ns));
    }
    if (!provenance_.map_name.empty() || provenance_.map_id.has_value()) {
      add(", map ", provenance_.map_name.empty() ? "without a name" : provenance_.map_name);
      if (provenance_.map_id.has_value()) add(" (id ", absl::StrCat(*provenance_.map_id), ")");
      add(" of type ", provenance_.map_type);
    } else {
      add(", of ", provenance_.source);
    }
    add(", read by ", provenance_.method);
    described_.push_back(text + ".");
    size_t notes = 0;
    for (const auto& [key, note] : provenance_.more) {
      if (!key.starts_with(kNoteKey) || ++notes > kMaxCapturedNotes) continue;
      described_.push_back(
          absl::StrCat(blocks_->name(), ": ", CaptureText(note, kMaxNoteBytes), "."));
    }
  }

  const std::string first_path_;
  const bool has_several_files_;
  const std::optional<StructFields> named_;
  const bool counted_;

  // Constant after Start().
  RecordSchema first_schema_;  // as the first capture has it
  bool series_ = false;

  mutable std::mutex mutex_;  // guards everything below
  Inputs inputs_;
  std::unique_ptr<CaptureBlocks> blocks_;  // of the file that is read; null between files
  CaptureBlock block_;
  bool held_ = false;          // block_ is still to be handled
  bool after_damage_ = false;  // what is missing before the next block is known already
  bool in_unknown_capture_ = false;

  // Of the capture that is read.
  std::optional<uint32_t> capture_id_;  // nothing: there is none
  uint64_t next_block_ = 0;             // above the numbers of all blocks that were read
  CaptureProvenance provenance_;
  bool is_described_ = false;
  bool capture_has_end_ = false;
  std::shared_ptr<CaptureDictionary> dictionary_;
  uint64_t next_snapshot_ = 0;  // above the numbers of all snapshots that began

  std::optional<CaptureSnapshotRecords> snapshot_;  // the one that is open
  std::optional<Part> part_;
  Slice slice_;
  std::string snapshot_name_;
  std::string entered_name_;  // of the snapshot that was entered last

  // counted_ only: how often each value of a dictionary occurs in a snapshot.
  std::vector<uint64_t> tally_;    // by the number of the value
  std::vector<uint32_t> tallied_;  // the numbers that occur, in the order in which they do first
  std::shared_ptr<const CaptureDictionary> tally_dictionary_;  // has the values
  size_t next_tallied_ = 0;                                    // the next one to give out
  bool tally_is_whole_ = false;  // all is counted, and to be given out
  bool had_no_records_ = false;  // the snapshot that was closed last, as it says itself
  bool snapshot_ended_ = false;  // the reader has to ask for the next one
  bool finished_ = false;

  uint64_t sequence_ = 0;
  uint64_t records_ = 0;
  uint64_t captures_ = 0;
  uint64_t empty_snapshots_ = 0;       // that say themselves that they have no record
  uint64_t unreadable_snapshots_ = 0;  // of which no record can be read
  std::vector<std::string> described_;
  CaptureLosses losses_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenCaptureRecords(Inputs inputs,
                                                                 std::optional<StructFields> named,
                                                                 bool counted) {
  auto source = std::make_unique<CaptureRecords>(std::move(inputs), std::move(named), counted);
  absl::Status started = source->Start();
  if (!started.ok()) return started;
  return source;
}

}  // namespace inlay::analysis
