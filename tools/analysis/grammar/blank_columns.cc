#include "tools/analysis/grammar/blank_columns.h"

namespace inlay::analysis {

size_t CollapseBlanks(std::span<uint8_t> text) {
  size_t out = 0;
  bool at_line_start = true;
  bool blank = false;  // a blank to emit, unless the line ends first
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t byte = text[i];
    if (byte == ' ' || byte == '\t') {
      blank = !at_line_start;
      continue;
    }
    const bool ends_line =
        byte == '\n' || (byte == '\r' && (i + 1 == text.size() || text[i + 1] == '\n'));
    if (blank && !ends_line) text[out++] = ' ';
    blank = false;
    at_line_start = byte == '\n' || (at_line_start && ends_line);
    text[out++] = byte;
  }
  return out;
}

}  // namespace inlay::analysis
