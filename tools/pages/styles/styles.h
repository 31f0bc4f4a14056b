// The colour and marker of each layout, peer and count, the same in the pages of all commands. A
// new layout or peer is a line here.
//
// Thread-safe: a function without state.

#ifndef INLAY_TOOLS_PAGES_STYLES_STYLES_H_
#define INLAY_TOOLS_PAGES_STYLES_STYLES_H_

#include "tools/pages/document/series_style.h"

namespace inlay::page {

// People with colour blindness can tell these apart, and each has a contrast of at least 3 to the
// background in both schemes.
SeriesStyles Styles();

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_STYLES_STYLES_H_
