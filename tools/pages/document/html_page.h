// Writes a Document as one self-contained HTML file: it has its styles and pictures inside, no
// scripts, and fetches nothing.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_HTML_PAGE_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_HTML_PAGE_H_

#include <string>

#include "tools/pages/document/document.h"

namespace inlay::page {

// The file. It closes every element, so it is well-formed XML too, except for the doctype.
std::string FormatHtml(const Document& document);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_HTML_PAGE_H_
