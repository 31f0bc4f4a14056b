// Makes text from files fit for one line of a terminal or a page.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_NUMBERS_PRINTABLE_H_
#define INLAY_TOOLS_PAGES_NUMBERS_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace inlay::numbers {

// `text` on one line and harmless for a terminal: control characters other than the tab and bytes
// that are not UTF-8 become \xNN; a text of more than `max_bytes` ends in "... (+N bytes)".
std::string Printable(std::string_view text, size_t max_bytes);

// Columns that UTF-8 text fills on a terminal: one per character, which holds for most scripts.
size_t DisplayWidth(std::string_view text);

}  // namespace inlay::numbers

#endif  // INLAY_TOOLS_PAGES_NUMBERS_PRINTABLE_H_
