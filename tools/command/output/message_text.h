// Makes a message that quotes input or arguments safe: it must not control the terminal, nor be
// longer than people read.
//
// Thread-safe.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_MESSAGE_TEXT_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_MESSAGE_TEXT_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "tools/pages/numbers/printable.h"

namespace inlay {

// `message` without control characters, and cut after 1,500 bytes. Its own line ends stay.
inline std::string MessageText(std::string_view message) {
  constexpr size_t kMostBytes = 1500;
  std::string text;
  for (;;) {
    const size_t end = message.find('\n');
    const size_t left = kMostBytes - std::min(kMostBytes, text.size());
    text += numbers::Printable(message.substr(0, end), left);
    if (end == std::string_view::npos || left == 0) return text;
    text += '\n';
    message.remove_prefix(end + 1);
  }
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_MESSAGE_TEXT_H_
