#include "tools/analysis/capture_file/capture_records.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/capture_file/capture_dictionary.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/capture_file/capture_header.h"
#include "tools/analysis/capture_file/capture_losses.h"
#include "tools/analysis/capture_file/joined_captures.h"

namespace inlay::analysis {
namespace {

// As for raw records: the values of a block are still in a core's second-level cache when they are
// hashed.
constexpr uint64_t kBlockBytes = uint64_t{256} << 10;

constexpr size_t kMaxDescribed = 4;

// The prefix of keys of `more` that are notes for people (docs/format.md), and the limits of their
// display.
constexpr std::string_view kNoteKey = "note ";
constexpr size_t kMaxCapturedNotes = 20;
constexpr size_t kMaxNoteBytes = 1000;

// What the records of an input may take when the reader returns each. A block of bits can stand for
// hundreds of thousands of times its own size in values.
constexpr uint64_t kMaxOrderedBytes = uint64_t{64} << 30;

// Larger numbers of records count as damage, so that sums of them do not overflow.
constexpr uint64_t kMaxRecordNumber = uint64_t{1} << 48;

// Readable records, before their values are copied.
struct Slice {
  std::vector<const uint8_t*> values;
  std::vector<uint64_t> copies;  // the records that each stands for; empty: one
  std::shared_ptr<const CaptureDictionary> dictionary;  // has their bytes
};

class CaptureRecords final : public RecordSource {
 public:
  CaptureRecords(Inputs inputs, std::optional<StructFields> named, bool counted)
      : has_several_files_(inputs.size() > 1),
        counted_(counted),
        captures_(std::move(inputs), std::move(named), &bytes_read_, &losses_,
                  [this] { EndCapture(); }) {}

  // Reads the description of the first file, and the time of the first snapshot of a series.
  absl::Status Start() {
    // Without a description the first file is an error.
    absl::StatusOr<Event> event = ReadEvent();
    if (!event.ok()) return event.status();
    schema_ = captures_.schema();
    schema_.map_name = captures_.provenance().map_name;
    schema_.map_type = captures_.provenance().map_type;
    schema_.value_type = captures_.provenance().value_type;
    if (!captures_.series()) return absl::OkStatus();
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
    // Copies outside the lock, so that all threads copy at the same time.
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
    if (captures_.count() > kMaxDescribed) {
      notes.push_back(
          {absl::StrCat("There are ", captures_.count() - kMaxDescribed, " more captures.")});
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
  using Event = JoinedCaptures::Event;
  enum class Step { kRecords, kSnapshotEnd, kInputEnd };
  // A block of records, of which those from `next` on are not in a slice yet.
  struct Part {
    CaptureRecordsPart head;
    std::vector<uint8_t> payload;
    uint64_t next = 0;
  };

  // All functions below require mutex_.

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
        if (!event.ok()) return Fail(event.status());
        if (*event == Event::kInputEnd) finished_ = true;
        if (*event != Event::kBlock) continue;
      }
      HandleBlock();
      if (ordered_bytes_ > kMaxOrderedBytes) {
        return Fail(absl::InvalidArgumentError(absl::StrCat(
            captures_.file_name(), ": its records stand for more than ", kMaxOrderedBytes >> 30,
            " GiB of values, the limit for reading each of "
            "them in order; leave out --in-order, which counts equal ones together")));
      }
    }
  }

  absl::Status Fail(absl::Status status) {
    finished_ = true;
    part_.reset();
    tallied_.clear();
    tally_is_whole_ = false;
    return status;
  }

  absl::StatusOr<Event> ReadEvent() {
    absl::StatusOr<Event> event = captures_.Next();
    if (event.ok() && *event == Event::kDescription) {
      is_described_ = false;
      next_snapshot_ = 0;
      dictionary_ = std::make_shared<CaptureDictionary>(0);
    }
    return event;
  }

  // JoinedCaptures calls it before it checks whether the capture is whole.
  void EndCapture() {
    CloseSnapshot();
    dictionary_.reset();
  }

  absl::StatusOr<Event> CheckThatSomethingWasRead() const {
    const bool of_sockets = captures_.provenance().source == "sockets";
    if (records_ != 0 || (losses_.empty() && !of_sockets)) return Event::kInputEnd;
    const std::string none = of_sockets ? "no socket was captured" : "no record can be read";
    if (losses_.empty()) return absl::NotFoundError(none);
    return absl::InvalidArgumentError(absl::StrCat(none, ": ", losses_.first()));
  }

  // Handles the block of captures_, or holds it back if a snapshot ends before it.
  void HandleBlock() {
    switch (static_cast<CaptureBlockType>(captures_.block().header.type)) {
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

  void Malformed(std::string_view why) {
    losses_.AddMalformed(captures_.file_name(), captures_.block(), why);
  }

  // Makes snapshot_ the one with this number, and opens it if necessary. False if block_ is skipped
  // or held back instead.
  bool EnterSnapshot(uint32_t number, std::optional<uint64_t> time_ns) {
    if (snapshot_.has_value() && snapshot_->number == number && !time_ns.has_value()) return true;
    if (number < next_snapshot_) {
      Malformed("its snapshot has already ended");
      return false;
    }
    if (snapshot_.has_value()) {
      CloseSnapshot();
      held_ = true;
      return false;
    }
    if (number > next_snapshot_) {
      losses_.Add(captures_.file_name(),
                  absl::StrCat(number - next_snapshot_,
                               number - next_snapshot_ == 1 ? " snapshot is" : " snapshots are",
                               " lost before byte ", captures_.block().offset));
    }
    next_snapshot_ = number + uint64_t{1};
    snapshot_ = CaptureSnapshotRecords();
    snapshot_->number = number;
    snapshot_->time_ns = time_ns;
    snapshot_->in_series = captures_.series();
    entered_name_ = time_ns.has_value() ? CaptureTimeText(*time_ns)
                                        : absl::StrCat("snapshot ", number + uint64_t{1});
    if (has_several_files_) entered_name_ = absl::StrCat(captures_.file_name(), " ", entered_name_);
    DescribeOnce();
    return true;
  }

  // Ends the snapshot that is open, if one is.
  void CloseSnapshot() {
    if (!snapshot_.has_value()) return;
    losses_.AddSnapshot(captures_.file_name(), *snapshot_);
    had_no_records_ = snapshot_->total == uint64_t{0};
    snapshot_.reset();
    snapshot_ended_ = captures_.series();
    tally_is_whole_ = !tallied_.empty();
  }

  void HandleSnapshot() {
    const auto start = CaptureSnapshotStart::Parse(captures_.block().payload);
    if (!start.has_value()) return Malformed("it does not follow the format");
    (void)EnterSnapshot(start->snapshot, start->time_ns);
  }

  void HandleSnapshotEnd() {
    const auto end = CaptureSnapshotEnd::Parse(captures_.block().payload);
    if (!end.has_value() || end->records > kMaxRecordNumber) {
      return Malformed("it does not follow the format");
    }
    if (!EnterSnapshot(end->snapshot, std::nullopt)) return;
    if (end->records < snapshot_->next_record) {
      Malformed("it counts fewer records than precede it");
    } else {
      snapshot_->total = end->records;
      snapshot_->lost_with_block += end->records - snapshot_->next_record;
    }
    if (!end->complete) {
      losses_.Add(captures_.file_name(),
                  absl::StrCat(snapshot_->Name(), " is partial", end->why.empty() ? "" : ": ",
                               CaptureText(end->why, kMaxNoteBytes)));
    }
    CloseSnapshot();
  }

  void HandleEnd() {
    const auto end = CaptureEnd::Parse(captures_.block().payload);
    if (!end.has_value()) return Malformed("it does not follow the format");
    CloseSnapshot();
    captures_.MarkEnd();
    if (end->snapshots > next_snapshot_) {
      losses_.Add(captures_.file_name(),
                  absl::StrCat(end->snapshots - next_snapshot_, " of ", end->snapshots,
                               end->snapshots == 1 ? " snapshot is lost" : " snapshots are lost",
                               " before byte ", captures_.block().offset));
    }
  }

  void HandleDictionary() {
    const auto part = CaptureDictionaryPart::Parse(captures_.block().payload, schema_.value_bytes);
    if (!part.has_value()) return Malformed("it does not follow the format");
    if (HoldsForTally(part->dictionary)) return;
    if (!UseDictionary(part->dictionary) ||
        !dictionary_->Add(part->first, std::move(captures_.block().payload),
                          CaptureDictionaryPart::kBytes, schema_.value_bytes)) {
      Malformed("the numbers of its values are invalid");
    }
  }

  // Whether the tally has values of another dictionary. The reader returns them before it handles
  // block_.
  bool HoldsForTally(uint32_t dictionary) {
    if (tallied_.empty() || dictionary <= dictionary_->number()) return false;
    tally_is_whole_ = true;
    held_ = true;
    return true;
  }

  // Makes dictionary_ the one of this number. False if the reader has dropped it.
  bool UseDictionary(uint32_t number) {
    if (number < dictionary_->number()) return false;
    if (number > dictionary_->number()) dictionary_ = std::make_shared<CaptureDictionary>(number);
    return true;
  }

  void HandleRecords() {
    const auto head = CaptureRecordsPart::Parse(captures_.block().payload);
    if (!head.has_value() || head->first_record > kMaxRecordNumber) {
      return Malformed("it does not follow the format");
    }
    if (HoldsForTally(head->dictionary)) return;
    if (!EnterSnapshot(head->snapshot, std::nullopt)) return;
    if (head->first_record < snapshot_->next_record) {
      return Malformed("the numbers of its records repeat earlier ones");
    }
    if (!UseDictionary(head->dictionary)) return Malformed("its dictionary was replaced earlier");
    snapshot_->lost_with_block += head->first_record - snapshot_->next_record;
    snapshot_->next_record = head->first_record + head->count;
    if (!counted_) ordered_bytes_ += head->count * schema_.value_bytes;
    part_ = Part{*head, std::move(captures_.block().payload), 0};
  }

  // Moves the next records of part_ whose values are known to slice_.
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

  // Notes the origin of each capture once.
  void DescribeOnce() {
    if (std::exchange(is_described_, true) || captures_.count() > kMaxDescribed) return;
    const CaptureProvenance& provenance = captures_.provenance();
    std::string text = absl::StrCat(captures_.file_name(), ": captured");
    const auto add = [&](std::string_view before, const std::string& what,
                         std::string_view after = {}) {
      if (what.empty()) return;
      absl::StrAppend(&text, std::string(before), CaptureText(what), std::string(after));
    };
    add(" on ", provenance.host);
    add(provenance.host.empty() ? " with kernel " : ", kernel ", provenance.kernel_release);
    if (snapshot_->time_ns.has_value()) {
      add(captures_.series() ? ", first at " : " at ", CaptureTimeText(*snapshot_->time_ns));
    }
    if (!provenance.map_name.empty() || provenance.map_id.has_value()) {
      add(", map ", provenance.map_name.empty() ? "without a name" : provenance.map_name);
      if (provenance.map_id.has_value()) add(" (id ", absl::StrCat(*provenance.map_id), ")");
      add(" of type ", provenance.map_type);
    } else {
      add(", of ", provenance.source);
    }
    add(", read by ", provenance.method);
    described_.push_back(text + ".");
    size_t notes = 0;
    for (const auto& [key, note] : provenance.more) {
      if (!key.starts_with(kNoteKey) || ++notes > kMaxCapturedNotes) continue;
      described_.push_back(
          absl::StrCat(captures_.file_name(), ": ", CaptureText(note, kMaxNoteBytes), "."));
    }
  }

  const bool has_several_files_;
  const bool counted_;

  mutable std::mutex mutex_;  // guards everything below
  CaptureLosses losses_;
  JoinedCaptures captures_;
  bool held_ = false;  // the block of captures_ still waits

  // Of the current capture.
  bool is_described_ = false;
  std::shared_ptr<CaptureDictionary> dictionary_;
  uint64_t next_snapshot_ = 0;  // above the numbers of all snapshots so far

  std::optional<CaptureSnapshotRecords> snapshot_;  // the one that is open
  std::optional<Part> part_;
  Slice slice_;
  std::string snapshot_name_;
  std::string entered_name_;  // of the last snapshot entered

  // counted_ only: how often each value of a dictionary occurs in a snapshot.
  std::vector<uint64_t> tally_;    // by the number of the value
  std::vector<uint32_t> tallied_;  // the numbers that occur, by first occurrence
  std::shared_ptr<const CaptureDictionary> tally_dictionary_;  // has the values
  size_t next_tallied_ = 0;                                    // the next one to return
  bool tally_is_whole_ = false;  // counting is done: return the values
  bool had_no_records_ = false;  // the last closed snapshot states that it has none
  bool snapshot_ended_ = false;  // the reader has to ask for the next one
  bool finished_ = false;

  uint64_t sequence_ = 0;
  uint64_t records_ = 0;
  uint64_t ordered_bytes_ = 0;         // of the records that are returned one by one
  uint64_t empty_snapshots_ = 0;       // that state that they have no records
  uint64_t unreadable_snapshots_ = 0;  // without a readable record
  std::vector<std::string> described_;
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
