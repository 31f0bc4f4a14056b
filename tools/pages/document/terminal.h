// Writes a Document for a terminal: everything but charts and appendices, in lines of a given
// width.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_TERMINAL_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_TERMINAL_H_

#include <cstddef>
#include <string>

#include "tools/pages/document/document.h"

namespace inlay::page {

struct TerminalFormat {
  size_t columns = 80;   // the longest line, unless a single word is longer
  bool colours = false;  // bold and colours, by escape sequences
};

// The document as lines of UTF-8. Control characters in its texts become \xNN: only `colours` puts
// escape sequences into the result. Code blocks keep their lines, whatever their length.
std::string FormatTerminal(const Document& document, const TerminalFormat& format);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_TERMINAL_H_
