#include "tools/analysis/dumps/ss_dump.h"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace inlay::analysis {
namespace {

constexpr std::string_view kMapId = "map_id:";
constexpr int kMaxDumpDepth = 64;
constexpr size_t kMaxTextBytes = size_t{1} << 20;
constexpr size_t kMaxMapsListed = 100;

bool IsSpace(int c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

class SsDump final : public DumpReader {
 public:
  SsDump(TextCursor* cursor, SsMaps* maps, DumpCounts* counts)
      : cursor_(*cursor), maps_(*maps), counts_(*counts) {}

  absl::StatusOr<bool> Next(DumpedValue* value) override {
    for (;;) {
      const std::optional<uint32_t> id = FindMap();
      if (!id.has_value()) {
        if (!cursor_.status().ok()) return cursor_.status();
        return false;
      }
      maps_.seen.insert(*id);
      if (!maps_.wanted.has_value() && maps_.seen.size() > 1) return SeveralMaps();
      value->Clear(cursor_.line());
      value->typed = true;
      path_.clear();
      short_array_ = false;
      absl::Status status = ReadValue(value, 0);
      if (status.ok() && cursor_.SkipSpace() != ']') status = Unexpected("the ']' after a value");
      if (!status.ok()) return status;
      cursor_.Advance();
      if (maps_.wanted.value_or(*id) != *id) continue;
      if (short_array_) ++counts_.short_arrays;
      ++records_;
      return true;
    }
  }

 private:
  // Takes everything up to and including the next "map_id:136 [", and returns the id; nothing at
  // the end of the file.
  std::optional<uint32_t> FindMap() {
    for (;;) {
      int c = cursor_.SkipSpace();
      if (c == TextCursor::kEnd) return std::nullopt;
      // Keeps no more of the word than a match needs.
      text_.clear();
      for (; c != TextCursor::kEnd && !IsSpace(c); c = cursor_.Peek()) {
        if (text_.size() < 2 * kMapId.size() + 4) text_ += static_cast<char>(c);
        cursor_.Advance();
      }
      if (!text_.starts_with(kMapId)) continue;
      uint32_t id = 0;
      const char* const last = text_.data() + text_.size();
      const auto [end, error] = std::from_chars(text_.data() + kMapId.size(), last, id);
      if (error != std::errc() || end != last || cursor_.SkipSpace() != '[') continue;
      cursor_.Advance();
      return id;
    }
  }

  // Collects the ids in the rest of the input, so that the user can choose.
  absl::Status SeveralMaps() {
    const uint64_t line = cursor_.line();
    while (const std::optional<uint32_t> id = FindMap()) {
      if (maps_.seen.size() < kMaxMapsListed) maps_.seen.insert(*id);
    }
    return cursor_.ErrorAt(line,
                           absl::StrCat("values of several maps: ", absl::StrJoin(maps_.seen, ", "),
                                        "; choose one with --map-id N"));
  }

  // Appends the fields of the next value, under path_. If ss gave up inside it, sets value->cut,
  // and the next character is the ']' of the map.
  absl::Status ReadValue(DumpedValue* value, int depth) {
    if (depth == kMaxDumpDepth) return TooDeep();
    declared_elements_ = 0;
    int c = cursor_.SkipSpace();
    while (c == '(') {
      absl::Status status = ReadCast();
      if (!status.ok()) return status;
      c = cursor_.SkipSpace();
    }
    if (c == '{') return ReadStruct(value, depth);
    std::string text;
    absl::Status status = c == '[' ? ReadArray(&text, value, depth) : ReadScalar(&text, value);
    if (!status.ok() || value->cut) return status;
    if (value->fields().size() == kMaxDumpedFields) {
      return cursor_.ErrorAt(
          value->line(),
          absl::StrCat("this value has more fields than the limit of ", kMaxDumpedFields));
    }
    value->AddField(path_.empty() ? "value" : path_, text);
    return absl::OkStatus();
  }

  absl::Status ReadStruct(DumpedValue* value, int depth) {
    cursor_.Advance();
    const size_t path_size = path_.size();
    for (;;) {
      const int c = cursor_.SkipSpace();
      if (c == '}') {
        cursor_.Advance();
        return absl::OkStatus();
      }
      if (c == 'f') {  // "failed to dump data", since members start with '.'
        std::string word;
        absl::Status status = ReadScalar(&word, value);
        if (!status.ok() || value->cut) return status;
        return Unexpected("a member of a struct");
      }
      if (c == '.') {
        cursor_.Advance();
        if (path_size != 0) path_ += '.';
        absl::Status status = ReadWord(&path_);
        if (!status.ok()) return status;
        if (cursor_.SkipSpace() != '=') return Unexpected("a '=' after the name of a member");
        cursor_.Advance();
      } else if (c != '(' && c != '{') {
        // A struct or union without a name has only its type.
        return Unexpected("a member of a struct");
      }
      absl::Status status = ReadValue(value, depth + 1);
      if (!status.ok() || value->cut) return status;
      path_.resize(path_size);
      if (cursor_.SkipSpace() == ',') cursor_.Advance();
    }
  }

  // Appends "[1 2 3]", "['cubic']" or "[{1 2} {3 4}]".
  absl::Status ReadArray(std::string* text, DumpedValue* value, int depth) {
    if (depth == kMaxDumpDepth) return TooDeep();
    const uint64_t declared = std::exchange(declared_elements_, 0);
    cursor_.Advance();
    *text += '[';
    uint64_t elements = 0;
    bool after_character = false;
    for (;;) {
      int c = cursor_.SkipSpace();
      if (c == ']') break;
      while (c == '(') {
        absl::Status status = ReadCast();
        if (!status.ok()) return status;
        c = cursor_.SkipSpace();
      }
      const bool is_character = c == '\'';
      if (is_character && after_character) {
        text->pop_back();  // continue the string that it closed
      } else {
        if (elements != 0) *text += ' ';
        if (is_character) *text += '\'';
      }
      absl::Status status = ReadElement(text, value, depth);
      if (!status.ok() || value->cut) return status;
      if (is_character) *text += '\'';
      after_character = is_character;
      ++elements;
      if (text->size() > kMaxTextBytes) return Unexpected("the end of an array of 1 MiB");
      if (cursor_.SkipSpace() == ',') cursor_.Advance();
    }
    cursor_.Advance();
    *text += ']';
    if (elements < declared) short_array_ = true;
    return absl::OkStatus();
  }

  absl::Status ReadElement(std::string* text, DumpedValue* value, int depth) {
    const int c = cursor_.Peek();
    if (c == '[') return ReadArray(text, value, depth + 1);
    if (c == '\'') return ReadCharacter(text);
    if (c != '{') return ReadScalar(text, value);
    if (depth == kMaxDumpDepth) return TooDeep();
    cursor_.Advance();
    *text += '{';
    for (bool first = true;; first = false) {
      int next = cursor_.SkipSpace();
      if (next == '}') break;
      if (next == '.') {
        std::string name;
        cursor_.Advance();
        absl::Status status = ReadWord(&name);
        if (!status.ok()) return status;
        if (cursor_.SkipSpace() != '=') return Unexpected("a '=' after the name of a member");
        cursor_.Advance();
        next = cursor_.SkipSpace();
      }
      while (next == '(') {
        absl::Status status = ReadCast();
        if (!status.ok()) return status;
        next = cursor_.SkipSpace();
      }
      if (!first) *text += ' ';
      absl::Status status = ReadElement(text, value, depth + 1);
      if (!status.ok() || value->cut) return status;
      if (text->size() > kMaxTextBytes) return Unexpected("the end of an array of 1 MiB");
      if (cursor_.SkipSpace() == ',') cursor_.Advance();
    }
    cursor_.Advance();
    *text += '}';
    return absl::OkStatus();
  }

  // Takes "(char[16])", and notes the number of elements of an array type.
  absl::Status ReadCast() {
    declared_elements_ = 0;
    text_.clear();
    for (int depth = 0;;) {
      const int c = cursor_.Peek();
      if (c == TextCursor::kEnd || text_.size() == kMaxTextBytes) return Unexpected("a ')'");
      text_ += static_cast<char>(c);
      cursor_.Advance();
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) break;
    }
    const size_t bracket = text_.find('[');
    if (bracket != std::string::npos) {
      std::from_chars(text_.data() + bracket + 1, text_.data() + text_.size(), declared_elements_);
    }
    return absl::OkStatus();
  }

  // Appends the character of 'c'. libbpf escapes neither the quote nor the backslash.
  absl::Status ReadCharacter(std::string* text) {
    cursor_.Advance();
    for (int i = 0; i < 2; ++i) {
      const int c = cursor_.Peek();
      if (c == TextCursor::kEnd) return Unexpected("a character");
      cursor_.Advance();
      *text += static_cast<char>(c);
      if (c == '\'') *text += '\'';  // doubled, so that it does not look like the end
      if (cursor_.Peek() == '\'') {
        cursor_.Advance();
        return absl::OkStatus();
      }
      if (c != '\\') break;
    }
    return Unexpected("the quote after a character");
  }

  // Appends "cubic" with its quotes, as newer versions of libbpf write arrays of char.
  absl::Status ReadString(std::string* text) {
    for (bool escaped = false, first = true;; first = false) {
      const int c = cursor_.Peek();
      if (c == TextCursor::kEnd || c == '\n' || text->size() > kMaxTextBytes) {
        return Unexpected("the quote after a string");
      }
      *text += static_cast<char>(c);
      cursor_.Advance();
      if (c == '"' && !escaped && !first) return absl::OkStatus();
      escaped = c == '\\' && !escaped;
    }
  }

  // Appends a number or the name of an enumerator; sets value->cut for "failed to dump data: -7".
  absl::Status ReadScalar(std::string* text, DumpedValue* value) {
    const size_t begin = text->size();
    if (cursor_.SkipSpace() == '\'') {
      *text += '\'';
      absl::Status status = ReadCharacter(text);
      *text += '\'';
      return status;
    }
    if (cursor_.Peek() == '"') return ReadString(text);
    absl::Status status = ReadWord(text);
    if (!status.ok() || std::string_view(*text).substr(begin) != "failed") return status;
    if (cursor_.Peek() != ' ') return absl::OkStatus();  // an enumerator of that name
    value->cut = true;
    for (const std::string_view wanted : {"to", "dump", "data:", ""}) {
      cursor_.SkipSpace();
      std::string word;
      status = ReadWord(&word);
      if (!status.ok()) return status;
      if (!wanted.empty() && word != wanted) return Unexpected("'failed to dump data'");
    }
    return absl::OkStatus();
  }

  // Appends the text up to a space or a sign of the notation; it must not be empty.
  absl::Status ReadWord(std::string* text) {
    const size_t begin = text->size();
    for (;;) {
      const int c = cursor_.Peek();
      if (c <= ' ' || std::string_view(",=[]{}'").find(static_cast<char>(c)) != std::string::npos) {
        break;
      }
      if (text->size() > kMaxTextBytes) return Unexpected("the end of a word of 1 MiB");
      *text += static_cast<char>(c);
      cursor_.Advance();
    }
    return text->size() != begin ? absl::OkStatus() : Unexpected("a name or a number");
  }

  absl::Status Unexpected(std::string_view wanted) {
    if (cursor_.Peek() == TextCursor::kEnd) {
      return cursor_.Error(
          absl::StrCat("the output of ss is cut: it ends here, inside a value, after ", records_,
                       records_ == 1 ? " record" : " records"));
    }
    return cursor_.Error(absl::StrCat("not a value as ss prints it: ", std::string(wanted),
                                      " is missing, after ", records_,
                                      records_ == 1 ? " record" : " records"));
  }

  absl::Status TooDeep() const {
    return cursor_.Error(absl::StrCat("more than ", kMaxDumpDepth, " nested types"));
  }

  TextCursor& cursor_;
  SsMaps& maps_;
  DumpCounts& counts_;
  uint64_t records_ = 0;
  std::string path_;                // of the field that is being read
  std::string text_;                // of the last word or cast
  uint64_t declared_elements_ = 0;  // of the last cast, if it is that of an array
  bool short_array_ = false;        // this value has an array with fewer
};

}  // namespace

std::unique_ptr<DumpReader> ReadSsDump(TextCursor* cursor, SsMaps* maps, DumpCounts* counts) {
  return std::make_unique<SsDump>(cursor, maps, counts);
}

}  // namespace inlay::analysis
