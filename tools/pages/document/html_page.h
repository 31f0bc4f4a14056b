// Writes a Document as one HTML file that needs nothing else: styles and pictures are inside, there
// are no scripts, and nothing is fetched.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_HTML_PAGE_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_HTML_PAGE_H_

#include <string>

#include "tools/pages/document/document.h"

namespace inlay::page {

// The file. Every element is closed, so that it is well-formed XML too, but for the doctype.
std::string FormatHtml(const Document& document);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_HTML_PAGE_H_
