// Writes a Document as Markdown: everything but the charts, whose figures are in their tables.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_MARKDOWN_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_MARKDOWN_H_

#include <string>

#include "tools/pages/document/document.h"

namespace inlay::page {

std::string FormatMarkdown(const Document& document);

// A table alone, as FormatMarkdown() writes it.
std::string FormatMarkdown(const Table& table);
// Text as FormatMarkdown() writes it, on one line.
std::string FormatMarkdown(const Text& text);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_MARKDOWN_H_
