#include "tools/analysis/grammar/json_tokens.h"

#include "tools/analysis/grammar/utf8.h"

namespace inlay::analysis {
namespace {

bool IsHighSurrogate(int32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(int32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

bool EndsWord(int c) {
  switch (c) {
    case TextCursor::kEnd:
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case ',':
    case ':':
    case '"':
    case '[':
    case ']':
    case '{':
    case '}':
      return true;
    default:
      return c < 0x20;
  }
}

}  // namespace

JsonTokens::Kind JsonTokens::Next() {
  if (kind_ == Kind::kBad) return kind_;
  const int c = cursor_.SkipSpace();
  line_ = cursor_.line();
  const auto punctuation = [this](Kind kind) {
    cursor_.Advance();
    return kind_ = kind;
  };
  switch (c) {
    case TextCursor::kEnd:
      return kind_ = Kind::kEnd;
    case '{':
      return punctuation(Kind::kBeginObject);
    case '}':
      return punctuation(Kind::kEndObject);
    case '[':
      return punctuation(Kind::kBeginArray);
    case ']':
      return punctuation(Kind::kEndArray);
    case ',':
      return punctuation(Kind::kComma);
    case ':':
      return punctuation(Kind::kColon);
    case '"':
      return kind_ = ReadString();
    default:
      break;
  }
  if (c < 0x20 || c == 0x7F) return kind_ = Bad("a control character");
  text_.clear();
  for (int next = c; !EndsWord(next); next = cursor_.Peek()) {
    if (text_.size() == kMaxTextBytes) return kind_ = Bad("a word that is too long");
    text_ += static_cast<char>(next);
    cursor_.Advance();
  }
  return kind_ = Kind::kWord;
}

JsonTokens::Kind JsonTokens::ReadString() {
  text_.clear();
  cursor_.Advance();
  for (;;) {
    const int c = cursor_.Peek();
    if (c == TextCursor::kEnd) return Bad("the file ends inside a string");
    if (c == '\n') return Bad("the line ends inside a string");
    if (text_.size() > kMaxTextBytes) return Bad("a string that is too long");
    cursor_.Advance();
    if (c == '"') return Kind::kString;
    if (c != '\\') {
      text_ += static_cast<char>(c);
    } else if (ReadEscape() == Kind::kBad) {
      return Kind::kBad;
    }
  }
}

JsonTokens::Kind JsonTokens::ReadEscape() {
  const int c = cursor_.Peek();
  if (c == TextCursor::kEnd) return Bad("the file ends inside a string");
  constexpr std::string_view kEscapes = "\"\\/'bfnrt";  // bpftool escapes ' too
  constexpr std::string_view kMeanings = "\"\\/'\b\f\n\r\t";
  const size_t simple = kEscapes.find(static_cast<char>(c));
  if (simple != std::string_view::npos) {
    cursor_.Advance();
    text_ += kMeanings[simple];
    return Kind::kString;
  }
  if (c != 'u') return Bad("an unknown escape in a string");
  cursor_.Advance();
  int32_t unit = ReadCodeUnit();
  if (unit < 0) return Bad("an unknown escape in a string");
  while (IsHighSurrogate(unit)) {
    // A high surrogate: it needs a low surrogate directly behind it.
    int32_t low = -1;
    if (cursor_.Peek() == '\\') {
      cursor_.Advance();
      if (cursor_.Peek() != 'u') {
        AppendUtf8(0xFFFD, &text_);
        return ReadEscape();
      }
      cursor_.Advance();
      low = ReadCodeUnit();
      if (low < 0) return Bad("an unknown escape in a string");
    }
    if (IsLowSurrogate(low)) {
      AppendUtf8(static_cast<uint32_t>(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), &text_);
      return Kind::kString;
    }
    AppendUtf8(0xFFFD, &text_);
    if (low < 0) return Kind::kString;
    unit = low;
  }
  AppendUtf8(IsLowSurrogate(unit) ? 0xFFFD : static_cast<uint32_t>(unit), &text_);
  return Kind::kString;
}

int32_t JsonTokens::ReadCodeUnit() {
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int c = cursor_.Peek();
    int32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    cursor_.Advance();
    unit = unit * 16 + digit;
  }
  return unit;
}

JsonTokens::Kind JsonTokens::Bad(std::string_view why) {
  line_ = cursor_.line();
  error_.assign(why);
  return kind_ = Kind::kBad;
}

}  // namespace inlay::analysis
