// The style sheet of a page: light and dark, for phones and desks, with system fonts and no images.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_STYLE_SHEET_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_STYLE_SHEET_H_

#include <string>

namespace inlay::page {

// The whole sheet, with the colours of all series.
std::string StyleSheet();

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_STYLE_SHEET_H_
