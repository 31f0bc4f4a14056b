#include "tools/analysis/dumps/dump_records.h"

#include <algorithm>
#include <mutex>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/analysis/bytes/text_cursor.h"
#include "tools/analysis/dumps/bpftool_hex.h"
#include "tools/analysis/dumps/bpftool_json.h"
#include "tools/analysis/dumps/dumped_value.h"
#include "tools/analysis/dumps/printed_text.h"
#include "tools/analysis/dumps/ss_dump.h"
#include "tools/analysis/grammar/column_selection.h"
#include "tools/analysis/values/bytes_column.h"
#include "tools/analysis/values/record_limits.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::analysis {
namespace {

constexpr size_t kBlockBytes = size_t{128} << 10;

// If so many values at the start are all cut, the longest of them decides on the columns.
constexpr size_t kMaxPending = 256;

// The texts of the elements if `fields` has "cc[0]", "cc[1]".. from `begin` on, where the first
// value had "cc"; otherwise empty.
std::vector<std::string> ElementsOf(std::span<const DumpedField> fields, size_t begin,
                                    std::string_view name) {
  std::vector<std::string> elements;
  while (begin < fields.size() &&
         fields[begin].name == absl::StrCat(std::string(name), "[", elements.size(), "]")) {
    elements.push_back(fields[begin++].text);
  }
  return elements;
}

class DumpRecords final : public RecordSource {
 public:
  DumpRecords(Inputs inputs, DumpOptions options)
      : options_(std::move(options)), inputs_(std::move(inputs)), counts_(options_.budget_bytes) {
    maps_.wanted = options_.map_id;
  }

  // Reads the first values, which determine the fields.
  absl::Status Start() {
    // Reads from one file only, so that errors name the right one.
    while (pending_.size() < kMaxPending && (pending_.empty() || reader_ != nullptr)) {
      DumpedValue value;
      absl::StatusOr<bool> more = pending_.empty() ? Take(&value) : reader_->Next(&value);
      if (!more.ok()) return more.status();
      if (!*more) {
        EndReader();
        break;
      }
      pending_.push_back(std::move(value));
      if (!pending_.back().cut) break;
    }
    if (pending_.empty()) return NothingHere();
    std::reverse(pending_.begin(), pending_.end());  // taken from the back
    return Describe(*std::max_element(pending_.begin(), pending_.end(),
                                      [](const DumpedValue& a, const DumpedValue& b) {
                                        return a.fields().size() < b.fields().size();
                                      }));
  }

  absl::StatusOr<bool> Next(RecordBlock& block) override {
    block.ClearRecords();
    // One thread at a time: only parsing finds the end of a value.
    std::lock_guard<std::mutex> lock(mutex_);
    block.set_sequence(sequence_++);
    if (finished_) return false;
    block.buffer().clear();
    while (block.buffer().size() < kBlockBytes) {
      absl::StatusOr<bool> more = true;
      if (pending_.empty()) {
        more = Take(&value_);
      } else {
        value_ = std::move(pending_.back());
        pending_.pop_back();
      }
      absl::Status status = more.status();
      if (status.ok() && *more) status = Append(block);
      if (!status.ok()) {
        finished_ = true;
        return status;
      }
      if (!*more) {
        finished_ = true;
        break;
      }
    }
    return block.size() != 0;
  }

  std::vector<InputNote> Notes(uint64_t /*distinct*/) const override {
    std::vector<InputNote> notes;
    const auto entries = [](uint64_t count) { return count == 1 ? " entry" : " entries"; };
    if (counts_.per_cpu != 0) {
      notes.push_back(
          {absl::StrCat("A per-CPU map: the value of each CPU is a record, ", counts_.per_cpu,
                        " of ", counts_.keys, counts_.keys == 1 ? " key." : " keys.")});
    }
    if (counts_.unformatted != 0) {
      InputNote note;
      note.doubt = !schema_.has_bytes_column;
      note.text = absl::StrCat(
          counts_.unformatted, counts_.unformatted == 1 ? " value has" : " values have",
          " only bytes and no fields: bpftool gave up before it came to them.");
      notes.push_back(std::move(note));
    }
    if (counts_.gone != 0) {
      notes.push_back(
          {absl::StrCat(counts_.gone, entries(counts_.gone), counts_.gone == 1 ? " was" : " were",
                        " deleted while bpftool read the map and ",
                        counts_.gone == 1 ? "is no record." : "are no records.")});
    }
    if (counts_.unreadable != 0) {
      notes.push_back(Doubt(absl::StrCat(
          counts_.unreadable, entries(counts_.unreadable),
          counts_.unreadable == 1 ? " has" : " have", " an error in place of the value and ",
          counts_.unreadable == 1 ? "is no record" : "are no records", ": '",
          numbers::Printable(counts_.first_error, DumpCounts::kMaxErrorBytes), "'.")));
    }
    if (const uint64_t repeated = counts_.repeated_keys.repeated(); repeated != 0) {
      notes.push_back(Doubt(
          absl::StrCat(counts_.repeated_keys.is_sample() ? "At least " : "", repeated,
                       entries(repeated), repeated == 1 ? " has" : " have",
                       " the key of an earlier entry; all of them count as records. The map "
                       "changed while bpftool read it, so bpftool started again and may have "
                       "missed other keys. 'inlay capture' reads a map without starting again.")));
    }
    if (cut_ != 0) {
      notes.push_back(
          Doubt(absl::StrCat(cut_, cut_ == 1 ? " value is" : " values are",
                             " cut: ss printed 'failed to dump data'. Only the fields before that "
                             "are compared, and values may differ in the others.")));
    }
    if (counts_.short_arrays != 0) {
      notes.push_back(Doubt(absl::StrCat(
          counts_.short_arrays, counts_.short_arrays == 1 ? " value has" : " values have",
          " arrays that ss printed incompletely. It omits more than zeroes, so different "
          "values may count as equal. A BPF iterator reads whole arrays, see docs/analyze.md.")));
    }
    printed_text_.AddNotes(counts_.as_printed, &notes);
    return notes;
  }

 private:
  void EndReader() {
    reader_.reset();
    counts_.repeated_keys.EndDump();
  }

  absl::Status OpenReader(InputFile file) {
    reader_.reset();
    cursor_ = std::make_unique<TextCursor>(std::move(file), &bytes_read_);
    if (cursor_->Peek() == TextCursor::kEnd) {
      return cursor_->status().ok()
                 ? absl::InvalidArgumentError(absl::StrCat(cursor_->name(), ": is empty"))
                 : cursor_->status();
    }
    if (options_.tool == DumpOptions::Tool::kSs) {
      reader_ = ReadSsDump(cursor_.get(), &maps_, &counts_);
    } else if (const int c = cursor_->SkipSpace(); c == '[' || c == '{') {
      reader_ = ReadBpftoolJson(cursor_.get(), &counts_);
    } else {
      reader_ = ReadBpftoolHex(cursor_.get(), &counts_);
    }
    return absl::OkStatus();
  }

  // Takes the next value of any file; false at the end of the last one.
  absl::StatusOr<bool> Take(DumpedValue* value) {
    for (;;) {
      if (reader_ == nullptr) {
        absl::StatusOr<std::optional<InputFile>> next = inputs_.Take();
        if (!next.ok()) return next.status();
        if (!next->has_value()) return false;
        absl::Status status = OpenReader(**std::move(next));
        if (!status.ok()) return status;
      }
      absl::StatusOr<bool> more = reader_->Next(value);
      if (!more.ok() || *more) return more;
      EndReader();
    }
  }

  absl::Status NothingHere() const {
    std::string what;
    if (options_.tool == DumpOptions::Tool::kBpftool) {
      what = "no entry has a value: bpftool could not read any of them";
      if (!counts_.first_error.empty()) {
        absl::StrAppend(&what, ", '",
                        numbers::Printable(counts_.first_error, DumpCounts::kMaxErrorBytes), "'");
      }
    } else if (maps_.seen.empty()) {
      what = "no socket has a value of a BPF map; did ss run as root with --bpf-maps?";
    } else {
      what = absl::StrCat("no socket has a value of map ", maps_.wanted.value_or(0),
                          "; the maps here: ", absl::StrJoin(maps_.seen, ", "));
    }
    return absl::InvalidArgumentError(absl::StrCat(cursor_->name(), ": ", what));
  }

  // Derives the schema from the first value.
  absl::Status Describe(const DumpedValue& value) {
    schema_.format_name =
        options_.tool == DumpOptions::Tool::kBpftool ? "Dump of bpftool" : "Output of ss";
    if (!value.typed) {
      if (!options_.columns.empty()) {
        return Error(value, "--columns needs fields, and this dump has only bytes");
      }
      schema_.kind = RecordSchema::Kind::kRaw;
      schema_.value_bytes = value.bytes->size();
      return absl::OkStatus();
    }
    schema_.kind = RecordSchema::Kind::kText;
    schema_.dialect = kCsvDialect;
    for (const DumpedField& field : value.fields()) names_.push_back(field.name);
    if (names_.empty()) return Error(value, "this value has no fields");
    absl::StatusOr<std::vector<size_t>> chosen =
        SelectColumns(options_.columns, names_, names_.size());
    if (!chosen.ok()) return Error(value, std::string(chosen.status().message()));
    schema_.columns = *std::move(chosen);
    schema_.file_columns = names_.size();
    for (const size_t column : schema_.columns) {
      schema_.fields.push_back({.name = names_[column], .kind = FieldKind::kText});
    }
    if (value.bytes.has_value()) typed_bytes_ = value.bytes->size();
    if (typed_bytes_.has_value() && schema_.columns.size() == names_.size()) {
      // The bytes decide which values are equal, because the printed fields may not tell them
      // apart.
      schema_.binary_bytes = typed_bytes_;
      schema_.has_bytes_column = true;
      schema_.columns.push_back(schema_.file_columns++);
      schema_.fields.push_back({.name = std::string(kBytesColumnName), .kind = FieldKind::kBytes});
    } else if (options_.tool == DumpOptions::Tool::kBpftool) {
      printed_text_.Start(names_, schema_.columns, typed_bytes_.has_value());
    }
    return absl::OkStatus();
  }

  // Adds value_ to the block.
  absl::Status Append(RecordBlock& block) {
    const bool typed = schema_.kind == RecordSchema::Kind::kText;
    if (value_.typed != typed) {
      return Error(value_, typed ? "this value has no fields, and the first one has"
                                 : "this value has fields, and the first one has only bytes");
    }
    const uint64_t wanted_bytes = typed ? typed_bytes_.value_or(0) : schema_.value_bytes;
    if (wanted_bytes != 0 && value_.bytes.has_value() && value_.bytes->size() != wanted_bytes) {
      return Error(value_, absl::StrCat("this value has ", value_.bytes->size(),
                                        " bytes where the first one has ", wanted_bytes));
    }
    if (value_.cut) ++cut_;
    std::vector<uint8_t>& buffer = block.buffer();
    const size_t begin = buffer.size();
    if (!typed) {
      buffer.insert(buffer.end(), value_.bytes->begin(), value_.bytes->end());
    } else {
      absl::Status status = ArrangeCells();
      if (!status.ok()) return status;
      for (size_t i = 0; i < schema_.columns.size(); ++i) {
        if (i != 0) buffer.push_back(',');
        if (schema_.columns[i] < cells_.size()) AppendCell(cells_[schema_.columns[i]], &buffer);
      }
      if (schema_.has_bytes_column) {
        if (!value_.bytes.has_value()) {
          return Error(value_, "this value has no bytes, and the first one has");
        }
        AppendBytesCell(*value_.bytes, &buffer);
      } else {
        printed_text_.Add(cells_);
      }
    }
    if (buffer.size() - begin > kMaxRowBytes) {
      return Error(value_, absl::StrCat("this value is longer than the limit of ", kMaxRowBytes,
                                        " bytes of text"));
    }
    block.AddRecord(begin, buffer.size() - begin);
    return absl::OkStatus();
  }

  void AppendCell(std::string_view text, std::vector<uint8_t>* out) const {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out->insert(out->end(), text.begin(), text.end());
      return;
    }
    const std::string cell = CanonicalCell(text, schema_.dialect);
    out->insert(out->end(), cell.begin(), cell.end());
  }

  // Stores the text of each column of value_ in cells_.
  absl::Status ArrangeCells() {
    const std::span<const DumpedField> fields = value_.fields();
    cells_.assign(names_.size(), {});
    spare_.clear();
    size_t column = 0;
    size_t i = 0;
    while (column < names_.size() && i < fields.size()) {
      if (fields[i].name == names_[column]) {
        cells_[column++] = fields[i++].text;
        continue;
      }
      if (const size_t taken = ArrangeString(column, &i); taken != 0) {
        column += taken;
        continue;
      }
      return Error(value_, absl::StrCat("this value has a field '", fields[i].name,
                                        "' where the first one has '", names_[column], "'"));
    }
    if (i < fields.size()) {
      return Error(value_, absl::StrCat("this value has a field '", fields[i].name,
                                        "', which the first one lacks"));
    }
    if (column < names_.size() && !value_.cut && !(fields.empty() && value_.bytes.has_value())) {
      return Error(value_, absl::StrCat("this value has no field '", names_[column],
                                        "', which the first one has"));
    }
    // The views into spare_ are stored only now that it does not grow any more.
    for (const auto& [place, text] : spare_) cells_[place] = text;
    return absl::OkStatus();
  }

  // bpftool prints an array of char as a string if it holds one, and otherwise as numbers. This
  // handles a value that differs in that from the first one, at fields()[*i] and names_[column].
  // Takes the fields, and returns the number of columns that they fill: 0 for any other difference.
  size_t ArrangeString(size_t column, size_t* i) {
    const std::span<const DumpedField> fields = value_.fields();
    const std::vector<std::string> elements = ElementsOf(fields, *i, names_[column]);
    if (!elements.empty()) {
      spare_.emplace_back(column, absl::StrCat("[", absl::StrJoin(elements, ","), "]"));
      *i += elements.size();
      return 1;
    }
    const std::string& name = fields[*i].name;
    const std::string& text = fields[*i].text;
    size_t count = 0;
    while (column + count < names_.size() &&
           names_[column + count] == absl::StrCat(name, "[", count, "]")) {
      const int character = count < text.size() ? static_cast<signed char>(text[count]) : 0;
      spare_.emplace_back(column + count, absl::StrCat(character));
      ++count;
    }
    if (count != 0) ++*i;
    return count;
  }

  absl::Status Error(const DumpedValue& value, std::string_view what) const {
    return cursor_->ErrorAt(value.line(), what);
  }

  const DumpOptions options_;

  // Constant after Start().
  std::vector<std::string> names_;       // of all fields
  std::optional<uint64_t> typed_bytes_;  // the size of a value with fields, if known

  std::mutex mutex_;  // guards everything below
  Inputs inputs_;
  std::unique_ptr<TextCursor> cursor_;  // of the last file opened
  std::unique_ptr<DumpReader> reader_;  // null between files
  SsMaps maps_;
  DumpCounts counts_;
  std::vector<DumpedValue> pending_;  // the values that Start() read, last one first
  DumpedValue value_;
  std::vector<std::string_view> cells_;
  std::vector<std::pair<size_t, std::string>> spare_;  // cells whose text differs from the dump's
  PrintedText printed_text_;                           // judges the fields of values without bytes
  uint64_t cut_ = 0;
  uint64_t sequence_ = 0;
  bool finished_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenDumpRecords(Inputs inputs, DumpOptions options) {
  auto source = std::make_unique<DumpRecords>(std::move(inputs), std::move(options));
  absl::Status started = source->Start();
  if (!started.ok()) return started;
  return source;
}

}  // namespace inlay::analysis
