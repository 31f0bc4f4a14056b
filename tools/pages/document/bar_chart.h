// Draws a BarChart: horizontal bars with their values, whiskers for the spread, and an axis from
// zero.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_BAR_CHART_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_BAR_CHART_H_

#include <string>

#include "tools/pages/document/chart.h"
#include "tools/pages/document/series_style.h"

namespace inlay::page {

// The picture, `width` CSS pixels wide: kWideWidth or more with the labels beside the bars, or
// kNarrowWidth with the labels above them. A whisker that is far longer than all bars ends in an
// arrow at the chart's edge.
std::string DrawBarChart(const BarChart& chart, double width, const SeriesStyles& styles);

// The height of that picture in CSS pixels.
double BarChartHeight(const BarChart& chart, double width);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_BAR_CHART_H_
