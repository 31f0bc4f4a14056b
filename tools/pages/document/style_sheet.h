// The style sheet of a page: light and dark, for phones and desks, with system fonts and no images.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_STYLE_SHEET_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_STYLE_SHEET_H_

#include <set>
#include <string>

#include "tools/pages/document/series_style.h"

namespace inlay::page {

// The whole sheet, with the colours of `styles`.
std::string StyleSheet(const SeriesStyles& styles);

// The sheet of a picture of bars in a file of its own, with the colours of `series` alone. Programs
// that draw SVG but are no browsers understand it.
std::string PictureStyleSheet(const SeriesStyles& styles, const std::set<std::string>& series);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_STYLE_SHEET_H_
