// JsonTokens: pulls the tokens out of a file of JSON, or of bpftool's output that resembles JSON:
// it has words such as 0x3 and (nil) in place of numbers.
//
// It holds one token, so a file of any length takes no memory. Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_JSON_TOKENS_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_JSON_TOKENS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tools/analysis/bytes/text_cursor.h"

namespace inlay::analysis {

class JsonTokens {
 public:
  // The longest string or word in bytes.
  static constexpr size_t kMaxTextBytes = size_t{1} << 20;

  enum class Kind {
    kEnd,  // of the file
    kBad,  // error() says why; every later token is the same
    kBeginObject,
    kEndObject,
    kBeginArray,
    kEndArray,
    kComma,
    kColon,
    kString,  // text() is its content, without quotes and escapes
    kWord,    // text() is the number, true, false, null, or any other text without quotes
  };

  // Reads from `cursor`, which must outlive this object. Consumes nothing yet.
  explicit JsonTokens(TextCursor* cursor) : cursor_(*cursor) {}

  // Takes the next token.
  Kind Next();

  // The token that Next() returned last, and the line on which it starts.
  Kind kind() const { return kind_; }
  uint64_t line() const { return line_; }
  std::string_view text() const { return text_; }
  const std::string& error() const { return error_; }

 private:
  Kind ReadString();
  Kind ReadEscape();
  // The four hexadecimal digits of an escape, or -1.
  int32_t ReadCodeUnit();
  Kind Bad(std::string_view why);

  TextCursor& cursor_;
  Kind kind_ = Kind::kEnd;
  uint64_t line_ = 1;
  std::string text_;
  std::string error_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_JSON_TOKENS_H_
