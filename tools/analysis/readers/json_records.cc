#include "tools/analysis/readers/json_records.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/column_selection.h"
#include "tools/analysis/grammar/json_object.h"
#include "tools/analysis/readers/json_chunks.h"
#include "tools/analysis/readers/text_doubts.h"

namespace inlay::analysis {
namespace {

// The first records, whose members are the columns without --columns.
constexpr size_t kSampleBytes = size_t{1} << 20;
// The most cells of one block when nearly all members are absent.
constexpr size_t kMostCellsOfBlock = size_t{1} << 20;
constexpr size_t kMostSampledObjects = 1024;  // of a block
constexpr size_t kNoColumn = SIZE_MAX;

class JsonRecords final : public RecordSource {
 public:
  JsonRecords(Inputs inputs, JsonOptions options)
      : options_(std::move(options)),
        first_name_(inputs.first_name()),
        chunks_(std::move(inputs), &bytes_read_) {
    schema_.kind = RecordSchema::Kind::kText;
    schema_.format_name = "JSON";
    schema_.dialect = kCsvDialect;
  }

  // Reads the first records, which determine the columns.
  absl::Status Start() {
    std::vector<std::string> names;
    std::set<std::string> known;
    size_t objects = 0;
    size_t errors = 0;  // objects that are only an error message
    std::string error;
    std::string array_of_objects;
    JsonObject object;
    bool more = true;
    for (size_t bytes = 0; more && bytes < kSampleBytes;) {
      JsonChunk chunk;
      absl::StatusOr<bool> taken = chunks_.Take(kMostSampledObjects, &chunk);
      if (!taken.ok()) return taken.status();
      more = *taken;
      if (!more) break;
      bytes += chunk.text.size();
      for (const JsonChunk::Place& place : chunk.objects) {
        ++objects;
        const absl::Status parsed = ParseObject(chunk, place, &object);
        if (!parsed.ok()) return parsed;
        for (const JsonObject::Field& field : object.fields()) {
          if (known.insert(field.name).second) names.push_back(field.name);
          if (field.text.starts_with("[{") && !field.is_string) array_of_objects = field.name;
        }
        if (object.fields().size() == 1 && object.fields()[0].name == "error" &&
            object.fields()[0].is_string) {
          ++errors;
          error = object.fields()[0].text;
        }
      }
      first_.push_back(std::move(chunk));
    }
    if (objects == 0) return absl::InvalidArgumentError(absl::StrCat(first_name_, ": is empty"));
    const bool all_seen = !more || chunks_.AtEnd();
    if (options_.detected) {
      const absl::Status records =
          CheckRecords(objects, all_seen, errors == objects ? error : "", array_of_objects);
      if (!records.ok()) return records;
    }
    return Describe(std::move(names), all_seen);
  }

  absl::StatusOr<bool> Next(RecordBlock& block) override {
    block.ClearRecords();
    std::unique_ptr<Worker> worker;
    bool taken = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      block.set_sequence(sequence_++);
      if (finished_) return EndLocked();
      worker = TakeWorker();
      absl::StatusOr<bool> more = true;
      if (first_.empty()) {
        more = chunks_.Take(std::max<size_t>(1, kMostCellsOfBlock / schema_.fields.size()),
                            &worker->chunk);
      } else {
        worker->chunk = std::move(first_.front());
        first_.pop_front();
      }
      if (!more.ok()) {
        finished_ = failed_ = true;
        return more.status();
      }
      taken = *more;
      if (!taken) {
        finished_ = true;
        workers_.push_back(std::move(worker));
        return EndLocked();
      }
      ++parsing_;
    }
    const absl::Status status = Parse(worker.get(), &block);
    std::lock_guard<std::mutex> lock(mutex_);
    --parsing_;
    workers_.push_back(std::move(worker));
    if (!status.ok()) {
      finished_ = failed_ = true;
      return status;
    }
    return true;
  }

  std::vector<InputNote> Notes(uint64_t /*distinct*/) const override {
    std::vector<InputNote> notes = notes_;
    if (repeated_ != 0) {
      notes.push_back(Doubt(absl::StrCat(
          repeated_.load(), repeated_ == 1 ? " object has" : " objects have",
          " a member twice, such as ", QuotedLine(repeated_name_), "; the last one counts.")));
    }
    return notes;
  }

 private:
  // The parsing state of one thread, reused for the next block.
  struct Worker {
    JsonChunk chunk;
    JsonObject object;
    std::vector<std::string_view> cells;
    std::vector<uint64_t> filled;  // per column: the number of the record that it was filled for
    uint64_t record = 0;
    std::vector<std::pair<std::string_view, std::string>> others;
    std::string other_text;
  };

  std::unique_ptr<Worker> TakeWorker() {
    if (workers_.empty()) return std::make_unique<Worker>();
    std::unique_ptr<Worker> worker = std::move(workers_.back());
    workers_.pop_back();
    return worker;
  }

  // The result of Next() at the end: only then are the columns known that no record has.
  absl::StatusOr<bool> EndLocked() {
    if (failed_ || parsing_ != 0 || unseen_.empty()) return false;
    failed_ = true;
    for (const size_t column : unseen_) {
      if (seen_[column].load(std::memory_order_relaxed)) continue;
      return absl::InvalidArgumentError(absl::StrCat(first_name_, ": no object has the member ",
                                                     QuotedLine(names_[column]), " of --columns"));
    }
    return false;
  }

  absl::Status ParseObject(const JsonChunk& chunk, const JsonChunk::Place& place,
                           JsonObject* object) const {
    const std::string_view text =
        std::string_view(chunk.text).substr(place.begin, place.end - place.begin);
    if (object->Parse(text)) {
      if (object->fields().size() <= kMaxJsonFields) return absl::OkStatus();
      return ErrorAt(chunk, place.line,
                     absl::StrCat("this object has ", object->fields().size(),
                                  " members; the limit is ", kMaxJsonFields));
    }
    const std::string_view before = text.substr(0, object->error_at());
    const auto lines = static_cast<uint64_t>(std::count(before.begin(), before.end(), '\n'));
    return ErrorAt(chunk, place.line + lines,
                   absl::StrCat("bad JSON: ", object->error(), " at ",
                                QuotedLine(text.substr(object->error_at()))));
  }

  static absl::Status ErrorAt(const JsonChunk& chunk, uint64_t line, std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(chunk.file_name, ":", line, ": ", std::string(what)));
  }

  // Checks that the objects are records; adds a doubt if that is uncertain.
  absl::Status CheckRecords(size_t objects, bool all_seen, std::string_view error,
                            std::string_view array_of_objects) {
    const std::string& name = first_name_;
    if (!error.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": is an error message of bpftool -j, not records: ", QuotedLine(error),
          "; if it is a record, use --format json"));
    }
    if (objects > 1 || !all_seen) return absl::OkStatus();
    if (!array_of_objects.empty()) {
      const std::string member(array_of_objects.substr(0, 100));
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": is one object, and its member ", QuotedLine(member),
          " is an array of objects, which may be the records: jq -c '.", member,
          "[]' | inlay analyze -; to read the object as one record, use --format json"));
    }
    notes_.push_back(Doubt(absl::StrCat(
        name, ": is a single JSON object, and one record cannot show how values repeat; ",
        "if that is intended, use --format json.")));
    return absl::OkStatus();
  }

  // Stores the columns. `names` are those of the first records, all if `all_seen`.
  absl::Status Describe(std::vector<std::string> names, bool all_seen) {
    const size_t seen_count = names.size();
    if (!options_.columns.empty() && !all_seen) {
      for (const std::string_view item : SelectionItems(options_.columns)) {
        const bool is_new = !item.empty() && NeedsHeader(item) &&
                            std::find(names.begin(), names.end(), item) == names.end();
        if (is_new) names.emplace_back(item);
      }
    }
    if (names.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(first_name_, ": its objects have no members"));
    }
    absl::StatusOr<std::vector<size_t>> chosen =
        SelectColumns(options_.columns, names, names.size());
    if (!chosen.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(first_name_, ": ", std::string(chosen.status().message())));
    }
    if (chosen->size() > kMaxJsonFields) {
      return absl::InvalidArgumentError(absl::StrCat(
          first_name_, ": its objects have ", chosen->size(), " different members; the limit is ",
          kMaxJsonFields, "; choose some with --columns"));
    }
    schema_.columns = *std::move(chosen);
    schema_.file_columns = names.size();
    for (size_t i = 0; i < schema_.columns.size(); ++i) {
      names_.push_back(names[schema_.columns[i]]);
      column_of_.emplace(names_.back(), i);
      if (schema_.columns[i] >= seen_count) unseen_.push_back(i);
    }
    seen_ = std::vector<std::atomic<bool>>(names_.size());
    if (options_.columns.empty() && !all_seen) {
      others_ = names_.size();
      names_.emplace_back(kOtherMembers);
      schema_.columns.push_back(schema_.file_columns++);
    }
    for (const std::string& name : names_) {
      schema_.fields.push_back({.name = name, .kind = FieldKind::kText});
    }
    return absl::OkStatus();
  }

  absl::Status Parse(Worker* worker, RecordBlock* block) {
    std::vector<uint8_t>& out = block->buffer();
    out.clear();
    for (const JsonChunk::Place& place : worker->chunk.objects) {
      const absl::Status parsed = ParseObject(worker->chunk, place, &worker->object);
      if (!parsed.ok()) return parsed;
      Arrange(worker);
      const size_t begin = out.size();
      for (size_t i = 0; i < worker->cells.size(); ++i) {
        if (i != 0) out.push_back(',');
        AppendCell(worker->cells[i], &out);
      }
      if (out.size() - begin > 2 * kMaxObjectBytes) {
        return ErrorAt(worker->chunk, place.line, "this record is too long");
      }
      block->AddRecord(begin, out.size() - begin);
    }
    return absl::OkStatus();
  }

  // Stores the texts of the columns in worker->cells.
  void Arrange(Worker* worker) {
    worker->cells.assign(names_.size(), {});
    worker->filled.resize(names_.size());
    worker->others.clear();
    ++worker->record;
    size_t expected = 0;  // members mostly come in the order of the columns
    bool repeats = false;
    for (const JsonObject::Field& field : worker->object.fields()) {
      size_t column = expected;
      if (column >= names_.size() || names_[column] != field.name) {
        const auto found = column_of_.find(field.name);
        column = found == column_of_.end() ? kNoColumn : found->second;
      }
      if (column == kNoColumn || column == others_) {
        if (others_ != kNoColumn) AddOther(field, worker);
        continue;
      }
      expected = column + 1;
      if (worker->filled[column] == worker->record) {
        repeats = true;
        NoteRepeated(field.name);
      }
      worker->filled[column] = worker->record;
      worker->cells[column] = field.text;
    }
    for (const size_t column : unseen_) {
      if (worker->filled[column] == worker->record) {
        seen_[column].store(true, std::memory_order_relaxed);
      }
    }
    if (!worker->others.empty()) repeats |= JoinOthers(worker);
    if (repeats) repeated_.fetch_add(1, std::memory_order_relaxed);
  }

  static void AddOther(const JsonObject::Field& field, Worker* worker) {
    std::string json;
    AppendJsonString(field.name, &json);
    json += ':';
    if (field.is_string && !field.text.starts_with('"')) {
      AppendJsonString(field.text, &json);
    } else {
      json += field.text;
    }
    worker->others.emplace_back(field.name, std::move(json));
  }

  bool JoinOthers(Worker* worker) {
    std::sort(worker->others.begin(), worker->others.end());
    bool repeats = false;
    worker->other_text = "{";
    for (size_t i = 0; i < worker->others.size(); ++i) {
      if (i != 0) worker->other_text += ',';
      worker->other_text += worker->others[i].second;
      if (i != 0 && worker->others[i].first == worker->others[i - 1].first) {
        repeats = true;
        NoteRepeated(worker->others[i].first);
      }
    }
    worker->other_text += '}';
    worker->cells[others_] = worker->other_text;
    return repeats;
  }

  void NoteRepeated(std::string_view name) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (repeated_name_.empty()) repeated_name_ = name;
  }

  static void AppendCell(std::string_view text, std::vector<uint8_t>* out) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out->insert(out->end(), text.begin(), text.end());
      return;
    }
    const std::string cell = CanonicalCell(text, kCsvDialect);
    out->insert(out->end(), cell.begin(), cell.end());
  }

  const JsonOptions options_;
  const std::string first_name_;

  // Constant after Start().
  std::vector<std::string> names_;  // of the columns
  std::unordered_map<std::string, size_t> column_of_;
  size_t others_ = kNoColumn;   // the column of members without one
  std::vector<size_t> unseen_;  // columns that the first records lack
  std::vector<InputNote> notes_;

  std::vector<std::atomic<bool>> seen_;  // per column
  std::atomic<uint64_t> repeated_{0};    // objects with a member twice

  std::mutex mutex_;  // guards everything below
  JsonChunks chunks_;
  std::deque<JsonChunk> first_;                   // the chunks that Start() read
  std::vector<std::unique_ptr<Worker>> workers_;  // idle ones
  std::string repeated_name_;
  uint64_t sequence_ = 0;
  size_t parsing_ = 0;  // blocks that are being parsed
  bool finished_ = false;
  bool failed_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenJsonRecords(Inputs inputs, JsonOptions options) {
  auto source = std::make_unique<JsonRecords>(std::move(inputs), std::move(options));
  const absl::Status started = source->Start();
  if (!started.ok()) return started;
  return source;
}

}  // namespace inlay::analysis
