// Text made harmless for HTML and SVG.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_ESCAPE_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_ESCAPE_H_

#include <string>
#include <string_view>

namespace inlay::page {

// `text` for element content and for attributes in double quotes: escapes markup, and shows control
// characters that HTML does not allow and bytes that are not UTF-8 as \xNN.
std::string Escaped(std::string_view text);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_ESCAPE_H_
