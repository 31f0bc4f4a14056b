// A chart as an SVG file of its own, for pages that are not ours, such as a README.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_PICTURE_FILE_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_PICTURE_FILE_H_

#include <string>
#include <vector>

#include "tools/pages/document/chart.h"
#include "tools/pages/document/series_style.h"

namespace inlay::page {

struct Picture {
  std::string title;
  BarChart chart;
  std::vector<std::string> notes;  // a line each, below the chart
};

// The file. It has its own background, and follows the reader's light or dark scheme.
std::string FormatPicture(const Picture& picture, const SeriesStyles& styles);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_PICTURE_FILE_H_
