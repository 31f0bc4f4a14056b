#include "tools/analysis/grammar/json_object.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/utf8.h"

namespace inlay::analysis {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Whether `text` is a number by the grammar of JSON.
bool IsNumber(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return at - begin;
  };
  if (text.starts_with('-')) ++at;
  const size_t integer_begin = at;
  const size_t integer = digits();
  if (integer == 0 || (integer > 1 && text[integer_begin] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// Whether `text` is a literal of JSON, or one that programs write for a number that JSON lacks,
// such as NaN.
bool IsLiteral(std::string_view text) {
  for (const std::string_view word :
       {"true", "false", "null", "NaN", "nan", "Infinity", "-Infinity"}) {
    if (text == word) return true;
  }
  return false;
}

// Whether the content of a string could be taken for another value if it stood without quotes.
bool NeedsQuotes(std::string_view content) {
  return content.empty() || content[0] == '"' || content[0] == '[' || content[0] == '{' ||
         IsLiteral(content) || IsNumber(content);
}

}  // namespace

void AppendJsonString(std::string_view content, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  *out += '"';
  for (const char c : content) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (byte < 0x20) {
      *out += "\\u00";
      *out += kDigits[byte >> 4];
      *out += kDigits[byte & 15];
    } else {
      *out += c;
    }
  }
  *out += '"';
}

bool JsonObject::Parse(std::string_view text) {
  text_ = text;
  at_ = 0;
  size_ = 0;
  path_.clear();
  SkipSpace();
  if (!NextIs('{')) return Fail("an object of JSON is missing");
  if (!ParseMembers(1)) return false;
  SkipSpace();
  return at_ == text_.size() || Fail("something follows the object");
}

JsonObject::Field& JsonObject::AddField() {
  if (size_ == fields_.size()) fields_.emplace_back();
  Field& field = fields_[size_++];
  field.name = path_;
  field.text.clear();
  field.is_string = false;
  return field;
}

// REQUIRES: at a '{', whose path is path_.
bool JsonObject::ParseMembers(int depth) {
  if (depth > kMaxDepth) return Fail("objects and arrays are nested too deeply");
  ++at_;
  SkipSpace();
  if (NextIs('}')) {
    ++at_;
    if (depth > 1) AddField().text = "{}";
    return true;
  }
  for (;;) {
    SkipSpace();
    if (!NextIs('"')) return Fail("the name of a member is missing");
    const size_t parent = path_.size();
    key_.clear();
    if (!ParseString(&key_)) return false;
    if (depth > 1) path_ += '.';
    path_ += key_;
    SkipSpace();
    if (!Expect(':', "':' after the name of a member") || !ParseMember(depth)) return false;
    path_.resize(parent);
    SkipSpace();
    if (NextIs('}')) {
      ++at_;
      return true;
    }
    if (!Expect(',', "',' or '}' after a member")) return false;
  }
}

bool JsonObject::ParseMember(int depth) {
  SkipSpace();
  if (NextIs('{')) return ParseMembers(depth + 1);
  Field& field = AddField();
  if (!NextIs('"')) return ParseCanonical(depth + 1, &field.text);
  field.is_string = true;
  if (!ParseString(&field.text)) return false;
  if (NeedsQuotes(field.text)) {
    const std::string content = std::exchange(field.text, {});
    AppendJsonString(content, &field.text);
  }
  return true;
}

bool JsonObject::ParseCanonical(int depth, std::string* out) {
  if (depth > kMaxDepth) return Fail("objects and arrays are nested too deeply");
  SkipSpace();
  if (NextIs('{')) return ParseCanonicalObject(depth, out);
  if (NextIs('[')) return ParseCanonicalArray(depth, out);
  if (!NextIs('"')) return ParseWord(out);
  std::string content;
  if (!ParseString(&content)) return false;
  AppendJsonString(content, out);
  return true;
}

bool JsonObject::ParseCanonicalObject(int depth, std::string* out) {
  std::vector<std::string> members;
  ++at_;
  SkipSpace();
  if (!NextIs('}')) {
    for (;;) {
      SkipSpace();
      if (!NextIs('"')) return Fail("the name of a member is missing");
      std::string name;
      if (!ParseString(&name)) return false;
      std::string& member = members.emplace_back();
      AppendJsonString(name, &member);
      member += ':';
      SkipSpace();
      if (!Expect(':', "':' after the name of a member") || !ParseCanonical(depth + 1, &member)) {
        return false;
      }
      SkipSpace();
      if (NextIs('}')) break;
      if (!Expect(',', "',' or '}' after a member")) return false;
    }
  }
  ++at_;
  std::sort(members.begin(), members.end());
  *out += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    if (i != 0) *out += ',';
    *out += members[i];
  }
  *out += '}';
  return true;
}

bool JsonObject::ParseCanonicalArray(int depth, std::string* out) {
  ++at_;
  *out += '[';
  SkipSpace();
  if (!NextIs(']')) {
    for (;;) {
      if (!ParseCanonical(depth + 1, out)) return false;
      SkipSpace();
      if (NextIs(']')) break;
      if (!Expect(',', "',' or ']' after an element")) return false;
      *out += ',';
    }
  }
  ++at_;
  *out += ']';
  return true;
}

bool JsonObject::ParseString(std::string* out) {
  ++at_;
  for (;;) {
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           (static_cast<unsigned char>(text_[at_]) >= 0x20 || text_[at_] == '\t')) {
      ++at_;
    }
    out->append(text_.substr(begin, at_ - begin));
    if (at_ == text_.size()) return Fail("a string is not closed");
    if (text_[at_] == '"') {
      ++at_;
      return true;
    }
    if (text_[at_] != '\\') return Fail("a line end or control character in a string");
    ++at_;
    if (!ParseEscape(out)) return false;
  }
}

bool JsonObject::ParseEscape(std::string* out) {
  if (at_ == text_.size()) return Fail("a string is not closed");
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const size_t simple = kEscapes.find(text_[at_]);
  if (simple != std::string_view::npos) {
    *out += kMeanings[simple];
    ++at_;
    return true;
  }
  unsigned unit = 0;
  if (!ParseCodeUnit(&unit)) return Fail("an unknown escape in a string");
  if (unit >= 0xD800 && unit < 0xDC00 && NextIs('\\')) {
    const size_t before = at_++;
    unsigned low = 0;
    if (ParseCodeUnit(&low) && low >= 0xDC00 && low < 0xE000) {
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    } else {
      at_ = before;  // keep the lone surrogate, and parse the next escape by itself
    }
  }
  AppendUtf8(unit, out);
  return true;
}

// REQUIRES: at the 'u' of an escape.
bool JsonObject::ParseCodeUnit(unsigned* unit) {
  if (!NextIs('u') || text_.size() - at_ < 5) return false;
  *unit = 0;
  for (size_t i = 1; i <= 4; ++i) {
    const char c = text_[at_ + i];
    unsigned digit = 0;
    if (IsDigit(c)) {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return false;
    }
    *unit = *unit * 16 + digit;
  }
  at_ += 5;
  return true;
}

bool JsonObject::ParseWord(std::string* out) {
  const size_t begin = at_;
  while (at_ < text_.size() && !IsSpace(text_[at_]) &&
         std::string_view(",:]}[{\"").find(text_[at_]) == std::string_view::npos) {
    ++at_;
  }
  const std::string_view word = text_.substr(begin, at_ - begin);
  if (!IsNumber(word) && !IsLiteral(word)) {
    at_ = begin;
    return Fail(word.empty() ? "a value is missing" : "a word that is no value of JSON");
  }
  out->append(word);
  return true;
}

void JsonObject::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

bool JsonObject::Expect(char wanted, std::string_view name) {
  if (!NextIs(wanted)) return Fail(absl::StrCat("a ", std::string(name), " is missing"));
  ++at_;
  return true;
}

bool JsonObject::Fail(std::string_view why) {
  error_.assign(why);
  return false;
}

}  // namespace inlay::analysis
