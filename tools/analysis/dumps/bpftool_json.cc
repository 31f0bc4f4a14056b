#include "tools/analysis/dumps/bpftool_json.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/json_tokens.h"
#include "tools/analysis/values/record_limits.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {
namespace {

using Kind = JsonTokens::Kind;

// Deeper than any real C type, and shallow enough for the stack.
constexpr int kMaxDepth = 64;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte of "0x0f", as bpftool writes it; -1 for everything else.
int HexByte(std::string_view text) {
  if (text.size() != 4 || !text.starts_with("0x")) return -1;
  const int high = HexDigit(text[2]);
  const int low = HexDigit(text[3]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

uint64_t HashOf(std::string_view text) {
  return ValueCounter::HashOf({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// The values of one entry. Reuses them for the next one, so that their strings need no new memory.
class ValueList {
 public:
  void Clear() { size_ = 0; }
  size_t size() const { return size_; }
  DumpedValue& operator[](size_t i) { return values_[i]; }
  DumpedValue& Add(uint64_t line) {
    if (size_ == values_.size()) values_.emplace_back();
    values_[size_].Clear(line);
    return values_[size_++];
  }

 private:
  std::vector<DumpedValue> values_;
  size_t size_ = 0;
};

class BpftoolJson final : public DumpReader {
 public:
  BpftoolJson(TextCursor* cursor, DumpCounts* counts)
      : cursor_(*cursor), counts_(*counts), tokens_(cursor) {}

  absl::StatusOr<bool> Next(DumpedValue* value) override {
    while (next_ == values_.size()) {
      absl::StatusOr<bool> more = ReadEntry();
      if (!more.ok() || !*more) return more;
    }
    std::swap(*value, values_[next_++]);
    ++records_;
    return true;
  }

 private:
  absl::Status Unexpected(std::string_view wanted) const {
    if (tokens_.kind() == Kind::kEnd) return cursor_.Error(CutHere());
    if (tokens_.kind() == Kind::kBad) {
      return cursor_.ErrorAt(tokens_.line(), absl::StrCat(tokens_.error(), ", after ", records_,
                                                          records_ == 1 ? " record" : " records"));
    }
    return cursor_.ErrorAt(
        tokens_.line(),
        absl::StrCat("not a dump of bpftool: ", std::string(wanted), " is missing"));
  }

  absl::Status Expect(Kind kind, std::string_view wanted) {
    return tokens_.Next() == kind ? absl::OkStatus() : Unexpected(wanted);
  }

  // Reads the next entry into values_; false at the end of the dump.
  absl::StatusOr<bool> ReadEntry() {
    values_.Clear();
    next_ = 0;
    if (!started_) {
      absl::Status status = Expect(Kind::kBeginArray, "the '[' at its start");
      if (!status.ok()) return status;
      const bool at_object = cursor_.Peek() == '{';
      const uint64_t errors_before = text_errors_;
      status = SkipTextErrors();
      if (!status.ok()) return status;
      if (tokens_.Next() == Kind::kEndArray && text_errors_ != errors_before) return End();
      if (tokens_.kind() == Kind::kEndArray) {
        return cursor_.ErrorAt(
            tokens_.line(),
            "the dump is empty: bpftool prints '[]' for a map without entries, and also, with exit "
            "code 244, for a map of socket storage, which it cannot read; that needs a BPF "
            "iterator, see docs/analyze.md");
      }
      started_ = true;
      counts_.as_printed = (at_object || text_errors_ != 0) && cursor_.Peek() == '\n';
    } else {
      absl::Status status = SkipTextErrors();
      if (!status.ok()) return status;
      const Kind kind = tokens_.Next();
      if (kind == Kind::kEndArray) return End();
      if (kind != Kind::kComma) return Unexpected("a ',' or ']' after an entry");
      status = SkipTextErrors();
      if (!status.ok()) return status;
      tokens_.Next();
    }
    if (tokens_.kind() != Kind::kBeginObject) return Unexpected("the '{' of an entry");
    entry_line_ = tokens_.line();
    formatted_.Clear();
    is_per_cpu_ = false;
    error_.reset();
    key_.clear();
    key_is_bytes_ = false;
    absl::Status status = ReadMembers(&values_, /*is_formatted=*/false);
    if (!status.ok()) return status;
    return Combine();
  }

  // Called after the ']' that ends the dump.
  absl::StatusOr<bool> End() {
    absl::Status status = Expect(Kind::kEnd, "the end of the file after the last ']'");
    if (!status.ok()) return status;
    if (!cursor_.status().ok()) return cursor_.status();
    return false;
  }

  // Takes "key: 00 00 00 00  value: <no entry>" and the like, which bpftool prints between the
  // entries of its plain form when it cannot read one.
  absl::Status SkipTextErrors() {
    constexpr size_t kMaxErrorWordBytes = 64;
    while (cursor_.SkipSpace() == 'k') {
      const uint64_t line = cursor_.line();
      std::string word;
      std::string key;
      do {
        key += word;
        word.clear();
        for (int c = cursor_.SkipSpace(); c > ' ' && word.size() < kMaxErrorWordBytes;
             c = cursor_.Peek()) {
          word += static_cast<char>(c);
          cursor_.Advance();
        }
        const bool is_byte = word.size() == 2 && HexByte("0x" + word) >= 0;
        if (word != "key:" && word != "value:" && !is_byte) {
          return cursor_.ErrorAt(line, cursor_.Peek() == TextCursor::kEnd
                                           ? CutHere()
                                           : "not a dump of bpftool: this is neither an entry nor "
                                             "an error of one");
        }
      } while (word != "value:");
      std::string error;
      for (int c = cursor_.SkipSpace(); c != '\n'; c = cursor_.Peek()) {
        if (c == TextCursor::kEnd) return cursor_.ErrorAt(line, CutHere());
        if (error.size() < DumpCounts::kMaxErrorBytes) error += static_cast<char>(c);
        cursor_.Advance();
      }
      counts_.AddError(error);
      ++text_errors_;
    }
    return absl::OkStatus();
  }

  std::string CutHere() const {
    return absl::StrCat("the dump is cut: it ends here, after ", records_,
                        records_ == 1 ? " record" : " records");
  }

  // Whether the only value of the entry is an error message. A struct with a single member "error"
  // looks the same if bpftool prints values by their fields; it prints such errors only where keys
  // and values are bytes.
  bool IsError() const {
    return error_.has_value() && formatted_.size() == 0 && values_.size() == 1 &&
           (key_is_bytes_ || (key_.empty() && values_are_bytes_));
  }

  // Gives the typed values their bytes, if the entry has both.
  absl::StatusOr<bool> Combine() {
    if (IsError()) {
      values_.Clear();
      counts_.AddError(*error_);
      return true;
    }
    if (!key_.empty()) counts_.repeated_keys.Add(HashOf(key_));
    if (values_.size() != 0) values_are_bytes_ = values_[0].bytes.has_value();
    if (formatted_.size() != 0) {
      // bpftool skips the remaining CPUs when it cannot print a member.
      while (is_per_cpu_ && formatted_.size() < values_.size()) {
        formatted_.Add(entry_line_).typed = true;
        ++counts_.unformatted;
      }
      if (values_.size() != 0 && values_.size() != formatted_.size()) {
        return cursor_.ErrorAt(entry_line_,
                               absl::StrCat("this entry has ", values_.size(), " values but ",
                                            formatted_.size(), " of them formatted"));
      }
      for (size_t i = 0; i < values_.size(); ++i) formatted_[i].bytes = std::move(values_[i].bytes);
      std::swap(values_, formatted_);
    }
    if (values_.size() == 0) {
      return cursor_.ErrorAt(entry_line_, "not a dump of bpftool: this entry has no value");
    }
    if (is_per_cpu_) {
      ++counts_.keys;
      counts_.per_cpu += values_.size();
    }
    return true;
  }

  // Reads the members of an entry, or of its "formatted" one, up to the '}'.
  absl::Status ReadMembers(ValueList* values, bool is_formatted) {
    for (;;) {
      if (tokens_.Next() != Kind::kString) return Unexpected("the name of a member");
      const std::string name(tokens_.text());
      absl::Status status = Expect(Kind::kColon, "a ':' after a name");
      if (!status.ok()) return status;
      tokens_.Next();
      if (name == "key" && !is_formatted) {
        status = ReadKey();
      } else if (name == "value") {
        status = ReadValue(&values->Add(tokens_.line()), is_formatted);
      } else if (name == "values") {
        is_per_cpu_ = true;
        status = ReadCpus(values, is_formatted);
      } else if (name == "formatted" && !is_formatted) {
        if (tokens_.kind() != Kind::kBeginObject) return Unexpected("the '{' after \"formatted\"");
        status = ReadMembers(&formatted_, true);
      } else if (name == "elements") {
        return cursor_.ErrorAt(tokens_.line(),
                               "this dump holds several maps of one name: dump one by its id");
      } else {
        status = Skip(0);
      }
      if (!status.ok()) return status;
      if (tokens_.Next() == Kind::kEndObject) return absl::OkStatus();
      if (tokens_.kind() != Kind::kComma) return Unexpected("a ',' or '}' after a member");
    }
  }

  // Reads the key, whose first token has been taken, into key_.
  absl::Status ReadKey() {
    key_is_bytes_ = tokens_.kind() == Kind::kBeginArray;
    return Skip(0, &key_);
  }

  // Reads [{"cpu":0,"value":..},..], a value for each CPU.
  absl::Status ReadCpus(ValueList* values, bool is_formatted) {
    if (tokens_.kind() != Kind::kBeginArray) return Unexpected("the '[' after \"values\"");
    for (;;) {
      absl::Status status = Expect(Kind::kBeginObject, "the '{' of a CPU");
      if (!status.ok()) return status;
      for (;;) {
        if (tokens_.Next() != Kind::kString) return Unexpected("the name of a member");
        const bool is_value = tokens_.text() == "value";
        status = Expect(Kind::kColon, "a ':' after a name");
        if (!status.ok()) return status;
        tokens_.Next();
        status = is_value ? ReadValue(&values->Add(tokens_.line()), is_formatted) : Skip(0);
        if (!status.ok()) return status;
        if (tokens_.Next() == Kind::kEndObject) break;
        if (tokens_.kind() != Kind::kComma) return Unexpected("a ',' or '}' after a member");
      }
      if (tokens_.Next() == Kind::kEndArray) return absl::OkStatus();
      if (tokens_.kind() != Kind::kComma) return Unexpected("a ',' or ']' after a CPU");
    }
  }

  // Reads a value, whose first token has been taken: its bytes if it is an array of nothing but
  // "0x0f", and otherwise its fields.
  absl::Status ReadValue(DumpedValue* value, bool is_formatted) {
    path_.clear();
    if (tokens_.kind() == Kind::kBeginArray) {
      if (!is_formatted) return ReadBytesOrArray(value);
      path_ = "value";
    }
    value->typed = true;
    const bool is_object = tokens_.kind() == Kind::kBeginObject;
    absl::Status status = ReadFields(value, 0);
    if (!status.ok()) return status;
    if (is_object && !is_formatted && value->fields().size() == 1 && last_was_string_ &&
        value->fields()[0].name == "error") {
      error_ = value->fields()[0].text;
    }
    return absl::OkStatus();
  }

  absl::Status ReadBytesOrArray(DumpedValue* value) {
    std::vector<uint8_t> bytes;
    for (;;) {
      if (tokens_.Next() == Kind::kEndArray && bytes.empty()) break;
      const int byte = tokens_.kind() == Kind::kString ? HexByte(tokens_.text()) : -1;
      if (byte < 0) break;
      if (bytes.size() == kMaxRecordBytes) {
        return cursor_.ErrorAt(
            value->line(),
            absl::StrCat("this value is longer than the limit of ", kMaxRecordBytes, " bytes"));
      }
      bytes.push_back(static_cast<uint8_t>(byte));
      if (tokens_.Next() == Kind::kEndArray) {
        value->bytes = std::move(bytes);
        return absl::OkStatus();
      }
      if (tokens_.kind() != Kind::kComma) return Unexpected("a ',' or ']' in an array");
    }
    if (!bytes.empty()) return Unexpected("a byte such as \"0x0f\"");
    value->typed = true;
    path_ = "value";
    return ReadElements(value, 0);
  }

  // Appends the fields of the value whose first token has been taken, under path_.
  absl::Status ReadFields(DumpedValue* value, int depth) {
    switch (tokens_.kind()) {
      case Kind::kString:
      case Kind::kWord:
        if (value->fields().size() == kMaxDumpedFields) {
          return cursor_.ErrorAt(
              value->line(),
              absl::StrCat("this value has more fields than the limit of ", kMaxDumpedFields));
        }
        last_was_string_ = tokens_.kind() == Kind::kString;
        value->AddField(path_.empty() ? "value" : path_, tokens_.text());
        return absl::OkStatus();
      case Kind::kBeginArray:
        tokens_.Next();
        return ReadElements(value, depth);
      case Kind::kBeginObject:
        return ReadStruct(value, depth);
      default:
        return Unexpected("a value");
    }
  }

  // The same for the elements of an array, whose first token has been taken.
  absl::Status ReadElements(DumpedValue* value, int depth) {
    if (tokens_.kind() == Kind::kEndArray) return absl::OkStatus();
    if (depth == kMaxDepth) return TooDeep();
    const size_t path_size = path_.size();
    for (uint64_t i = 0;; ++i) {
      absl::StrAppend(&path_, "[", i, "]");
      absl::Status status = ReadFields(value, depth + 1);
      if (!status.ok()) return status;
      path_.resize(path_size);
      if (tokens_.Next() == Kind::kEndArray) return absl::OkStatus();
      if (tokens_.kind() != Kind::kComma) return Unexpected("a ',' or ']' in an array");
      tokens_.Next();
    }
  }

  absl::Status ReadStruct(DumpedValue* value, int depth) {
    if (depth == kMaxDepth) return TooDeep();
    const size_t path_size = path_.size();
    if (tokens_.Next() == Kind::kEndObject) return absl::OkStatus();
    for (;;) {
      if (tokens_.kind() != Kind::kString) return Unexpected("the name of a member");
      // A struct or union without a name adds nothing to the path, as in C.
      if (!tokens_.text().empty()) {
        if (path_size != 0) path_ += '.';
        path_ += tokens_.text();
        if (path_.size() > JsonTokens::kMaxTextBytes) return TooDeep();
      }
      absl::Status status = Expect(Kind::kColon, "a ':' after a name");
      if (!status.ok()) return status;
      tokens_.Next();
      status = ReadFields(value, depth + 1);
      if (!status.ok()) return status;
      path_.resize(path_size);
      if (tokens_.Next() == Kind::kEndObject) return absl::OkStatus();
      if (tokens_.kind() != Kind::kComma) return Unexpected("a ',' or '}' after a member");
      tokens_.Next();
    }
  }

  // Skips the value whose first token has been taken. Appends its texts to *key, if given, and
  // notes whether all of them are bytes such as "0x0f".
  absl::Status Skip(int depth, std::string* key = nullptr) {
    if (tokens_.kind() == Kind::kString || tokens_.kind() == Kind::kWord) {
      if (key != nullptr && key->size() < JsonTokens::kMaxTextBytes) {
        *key += tokens_.text();
        *key += '\0';
        key_is_bytes_ = key_is_bytes_ && HexByte(tokens_.text()) >= 0;
      }
      return absl::OkStatus();
    }
    const bool is_object = tokens_.kind() == Kind::kBeginObject;
    if (!is_object && tokens_.kind() != Kind::kBeginArray) return Unexpected("a value");
    if (depth == kMaxDepth) return TooDeep();
    const Kind end = is_object ? Kind::kEndObject : Kind::kEndArray;
    if (tokens_.Next() == end) return absl::OkStatus();
    for (;;) {
      if (is_object) {
        if (tokens_.kind() != Kind::kString) return Unexpected("the name of a member");
        absl::Status status = Expect(Kind::kColon, "a ':' after a name");
        if (!status.ok()) return status;
        tokens_.Next();
      }
      absl::Status status = Skip(depth + 1, key);
      if (!status.ok()) return status;
      if (tokens_.Next() == end) return absl::OkStatus();
      if (tokens_.kind() != Kind::kComma) return Unexpected("a ',' or the end after an element");
      tokens_.Next();
    }
  }

  absl::Status TooDeep() const {
    return cursor_.ErrorAt(tokens_.line(), absl::StrCat("more than ", kMaxDepth, " nested types"));
  }

  TextCursor& cursor_;
  DumpCounts& counts_;
  JsonTokens tokens_;
  bool started_ = false;
  uint64_t records_ = 0;  // returned so far
  std::string path_;      // of the field that is being read
  bool last_was_string_ = false;

  // The last entry.
  uint64_t entry_line_ = 0;
  ValueList values_;
  ValueList formatted_;
  bool is_per_cpu_ = false;
  std::optional<std::string> error_;  // the text of a value that is {"error": text}
  std::string key_;                   // the texts in it
  bool key_is_bytes_ = false;
  size_t next_ = 0;  // the next of values_ to return

  bool values_are_bytes_ = false;  // those of all entries so far
  uint64_t text_errors_ = 0;       // error texts between the entries
};

}  // namespace

std::unique_ptr<DumpReader> ReadBpftoolJson(TextCursor* cursor, DumpCounts* counts) {
  return std::make_unique<BpftoolJson>(cursor, counts);
}

}  // namespace inlay::analysis
