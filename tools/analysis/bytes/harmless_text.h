// Text of a file, which may be anything, as a part of a message.
//
// Thread-safe: a function without state.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_HARMLESS_TEXT_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_HARMLESS_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace inlay::analysis {

// `text` with control characters and bytes that are not ASCII as \xNN, cut to `max_bytes` of it.
inline std::string HarmlessText(std::string_view text, size_t max_bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string harmless;
  for (const char c : text.substr(0, max_bytes)) {
    if (c >= ' ' && c <= '~') {
      harmless += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    harmless += "\\x";
    harmless += kDigits[byte >> 4];
    harmless += kDigits[byte & 15];
  }
  if (text.size() > max_bytes) harmless += "...";
  return harmless;
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_HARMLESS_TEXT_H_
