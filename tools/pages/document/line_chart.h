// Draws a LineChart: a line with markers for each series, linear or logarithmic axes, and marked
// places.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_LINE_CHART_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_LINE_CHART_H_

#include <string>

#include "tools/pages/document/chart.h"
#include "tools/pages/document/series_style.h"

namespace inlay::page {

// The picture, `width` CSS pixels wide: kWideWidth with the series named at the ends of their
// lines, or kNarrowWidth without names, for which it needs a legend beside it.
std::string DrawLineChart(const LineChart& chart, double width, const SeriesStyles& styles);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_LINE_CHART_H_
