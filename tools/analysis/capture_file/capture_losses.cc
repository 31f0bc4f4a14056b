#include "tools/analysis/capture_file/capture_losses.h"

#include <cstdio>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::analysis {
namespace {

constexpr size_t kMaxSentences = 20;

std::string BlockName(std::optional<uint8_t> type) {
  if (!type.has_value()) return "block";
  switch (static_cast<CaptureBlockType>(*type)) {
    case CaptureBlockType::kHeader:
      return "block that describes the values";
    case CaptureBlockType::kSnapshot:
      return "block that begins a snapshot";
    case CaptureBlockType::kDictionary:
      return "block of values";
    case CaptureBlockType::kRecords:
      return "block of records";
    case CaptureBlockType::kSnapshotEnd:
      return "block that ends a snapshot";
    case CaptureBlockType::kEnd:
      return "block that ends the capture";
  }
  return absl::StrCat("block of type ", *type);
}

std::string Counted(uint64_t count, std::string_view one) {
  return absl::StrCat(count, " ", std::string(one), count == 1 ? "" : "s");
}

}  // namespace

std::string CaptureTimeText(uint64_t time_ns) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  const auto seconds = static_cast<time_t>(time_ns / kNsPerSecond);
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  char day_and_time[40];
  std::strftime(day_and_time, sizeof(day_and_time), "%Y-%m-%dT%H:%M:%S", &utc);
  char text[64];
  std::snprintf(text, sizeof(text), "%s.%03uZ", day_and_time,
                static_cast<unsigned>(time_ns % kNsPerSecond / 1'000'000));
  return text;
}

std::string CaptureText(std::string_view text, size_t max_bytes) {
  return numbers::Printable(text, max_bytes);
}

std::string CaptureSnapshotRecords::Name() const {
  if (time_ns.has_value()) return absl::StrCat("the snapshot of ", CaptureTimeText(*time_ns));
  return in_series ? absl::StrCat("snapshot ", number + uint64_t{1}) : "the snapshot";
}

void CaptureLosses::Add(std::string_view file, std::string_view sentence) {
  if (sentences_.size() == kMaxSentences) {
    ++left_out_;
    return;
  }
  sentences_.push_back(absl::StrCat(std::string(file), ": ", std::string(sentence), "."));
}

void CaptureLosses::AddMalformed(std::string_view file, const CaptureBlock& block,
                                 std::string_view why) {
  Add(file, absl::StrCat("at byte ", block.offset, ": the ", BlockName(block.header.type),
                         " is left out: ", std::string(why)));
}

void CaptureLosses::AddDamage(std::string_view file, const CaptureDamage& damage) {
  if (damage.at_end) {
    Add(file,
        absl::StrCat("at byte ", damage.offset, ": the last ", Counted(damage.bytes, "byte"),
                     " cannot be read: the ", BlockName(damage.type), " is cut off or damaged"));
  } else {
    Add(file, absl::StrCat("at byte ", damage.offset, ": ", Counted(damage.bytes, "byte"),
                           " cannot be read: the ", BlockName(damage.type), " is damaged"));
  }
}

void CaptureLosses::AddSnapshot(std::string_view file, const CaptureSnapshotRecords& snapshot) {
  const uint64_t lost = snapshot.lost_with_block + snapshot.lost_with_value;
  const std::string of = snapshot.in_series ? absl::StrCat(" of ", snapshot.Name()) : "";
  std::string sentence;
  if (lost != 0) {
    sentence =
        absl::StrCat(lost, snapshot.total.has_value() ? absl::StrCat(" of ", *snapshot.total) : "",
                     lost == 1 && !snapshot.total.has_value() ? " record" : " records", of,
                     " cannot be read: ", snapshot.lost_with_block, " in blocks that are lost, ",
                     snapshot.lost_with_value, " whose values were in such blocks");
  }
  if (!snapshot.total.has_value()) {
    absl::StrAppend(&sentence, lost != 0 ? ", and the end" : "the end", of, " is missing, behind ",
                    Counted(snapshot.next_record, "record"),
                    ": it is not known how many more there were");
  }
  if (!sentence.empty()) Add(file, sentence);
}

std::vector<std::string> CaptureLosses::Sentences() const {
  std::vector<std::string> sentences = sentences_;
  if (left_out_ != 0) {
    sentences.push_back(absl::StrCat("There are ", left_out_, " more messages of this kind."));
  }
  return sentences;
}

}  // namespace inlay::analysis
