// UTF-8, as far as readers need it.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_UTF8_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_UTF8_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace inlay::analysis {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Appends the character `code` to `text`. REQUIRES: code <= 0x10FFFF.
inline void AppendUtf8(uint32_t code, std::string* text) {
  const auto put = [text](uint32_t byte) { *text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_UTF8_H_
