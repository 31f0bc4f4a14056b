#include "tools/analysis/dumps/bpftool_hex.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/values/record_limits.h"
#include "tools/analysis/values/value_counter.h"

namespace inlay::analysis {
namespace {

constexpr size_t kMaxWordBytes = 64;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether `word` is two hexadecimal digits.
bool IsByte(std::string_view word) {
  return word.size() == 2 && word.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

class BpftoolHex final : public DumpReader {
 public:
  BpftoolHex(TextCursor* cursor, DumpCounts* counts) : cursor_(*cursor), counts_(*counts) {}

  absl::StatusOr<bool> Next(DumpedValue* value) override {
    if (finished_) return false;
    if (line_ == 0) ReadWord();
    for (;;) {
      if (word_ == "key:") {
        ++keys_;
        key_counted_ = false;
        ReadWord();
        std::vector<uint8_t> key;
        absl::Status status = ReadBytes(&key, "key");
        if (!status.ok()) return status;
        key_hash_ = ValueCounter::HashOf(key);
        if (!word_.starts_with("value")) return Unexpected("a value after the key");
      } else if (word_ == "value:" || word_ == "value") {
        const uint64_t line = line_;
        const bool is_per_cpu = word_ == "value";
        ReadWord();
        if (is_per_cpu) {
          if (word_ != "(CPU") return Unexpected("'(CPU' after 'value'");
          ReadWord();
          if (!word_.ends_with("):")) return Unexpected("'):' after the CPU");
          ReadWord();
        }
        if (word_.starts_with('<') || (!word_.empty() && IsLetter(word_[0]) && !IsByte(word_))) {
          // "<no entry>" or "Operation not permitted" in place of the value.
          std::string error;
          const uint64_t error_line = line_;
          for (; !word_.empty() && line_ == error_line; ReadWord()) {
            absl::StrAppend(&error, error.empty() ? "" : " ", word_);
          }
          if (word_.empty()) return Unexpected("'key:', 'value:' or 'Found'");
          counts_.AddError(error);
          ++failed_;
          continue;
        }
        value->Clear(line);
        absl::Status status = ReadBytes(&value->bytes.emplace(), "value");
        if (!status.ok()) return status;
        // Only the next word shows that a value is whole.
        if (word_ != "key:" && word_ != "value:" && word_ != "value" && word_ != "Found") {
          return Unexpected("'key:', 'value:' or 'Found'");
        }
        if (key_hash_.has_value()) counts_.repeated_keys.Add(*key_hash_);
        key_hash_.reset();
        if (is_per_cpu) {
          ++counts_.per_cpu;
          if (!key_counted_) ++counts_.keys;
          key_counted_ = true;
        }
        ++records_;
        return true;
      } else if (word_ == "Found") {
        return ReadFound();
      } else {
        return Unexpected("'key:', 'value:' or 'Found'");
      }
    }
  }

 private:
  // Stores the next word and its line; an empty word at the end of the file.
  void ReadWord() {
    word_.clear();
    int c = cursor_.SkipSpace();
    line_ = cursor_.line();
    while (c > ' ' && word_.size() < kMaxWordBytes) {
      word_ += static_cast<char>(c);
      cursor_.Advance();
      c = cursor_.Peek();
    }
    // A control character is not a space: do not take it for the end of the file.
    if (word_.empty() && c != TextCursor::kEnd) {
      word_ += static_cast<char>(c);
      cursor_.Advance();
    }
  }

  // Reads words of two hexadecimal digits, at least one, into `bytes`.
  absl::Status ReadBytes(std::vector<uint8_t>* bytes, std::string_view what) {
    const uint64_t first_line = line_;
    size_t count = 0;
    for (; word_.size() == 2; ReadWord(), ++count) {
      uint8_t byte = 0;
      const auto [end, error] = std::from_chars(word_.data(), word_.data() + 2, byte, 16);
      if (error != std::errc() || end != word_.data() + 2) break;
      if (count == kMaxRecordBytes) {
        return cursor_.ErrorAt(
            first_line, absl::StrCat("this ", std::string(what), " is longer than the limit of ",
                                     kMaxRecordBytes, " bytes"));
      }
      bytes->push_back(byte);
    }
    return count != 0 ? absl::OkStatus()
                      : Unexpected(absl::StrCat("a byte of the ", std::string(what),
                                                ", two hexadecimal digits,"));
  }

  // "Found 3 elements": whether the dump is whole.
  absl::StatusOr<bool> ReadFound() {
    ReadWord();
    uint64_t found = 0;
    const auto [end, error] = std::from_chars(word_.data(), word_.data() + word_.size(), found);
    if (error != std::errc() || end != word_.data() + word_.size()) {
      return Unexpected("the number after 'Found'");
    }
    ReadWord();
    if (word_ != "elements" && word_ != "element") return Unexpected("'elements' after the number");
    const uint64_t found_line = line_;
    ReadWord();
    if (!word_.empty()) return Unexpected("the end of the file after 'Found'");
    if (!cursor_.status().ok()) return cursor_.status();
    if (found == 0 && records_ == 0 && failed_ == 0) {
      return cursor_.ErrorAt(found_line, "the dump is empty: the map has no entries");
    }
    // bpftool counts the entries that it could read.
    if (keys_ != 0 && found != keys_ - failed_) {
      return cursor_.ErrorAt(
          found_line, absl::StrCat("bpftool found ", found, " elements but ", keys_ - failed_,
                                   " are here: the dump is incomplete"));
    }
    finished_ = true;
    return false;
  }

  absl::Status Unexpected(std::string_view wanted) {
    const bool is_cut_word = word_.size() < 8 && cursor_.Peek() == TextCursor::kEnd;
    if (word_.empty() || is_cut_word) {
      return cursor_.Error(absl::StrCat("the dump is cut: it ends here, after ", records_,
                                        records_ == 1 ? " record" : " records",
                                        ", without the line 'Found .. elements'"));
    }
    return cursor_.ErrorAt(
        line_, absl::StrCat("not a dump of bpftool: ", std::string(wanted), " is missing"));
  }

  TextCursor& cursor_;
  DumpCounts& counts_;
  std::string word_;
  uint64_t line_ = 0;  // of word_; 0: before the first word
  uint64_t keys_ = 0;
  uint64_t failed_ = 0;  // those of `keys_` with an error in place of the value
  uint64_t records_ = 0;
  std::optional<uint64_t> key_hash_;  // of the last key, until its first value is there
  bool key_counted_ = false;          // the key of this value is in counts_
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<DumpReader> ReadBpftoolHex(TextCursor* cursor, DumpCounts* counts) {
  return std::make_unique<BpftoolHex>(cursor, counts);
}

}  // namespace inlay::analysis
