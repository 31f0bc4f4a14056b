#include "tools/pages/document/bar_chart.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tools/pages/document/drawing.h"
#include "tools/pages/document/scale.h"

namespace inlay::page {
namespace {

// Whiskers may stretch the axis by this factor beyond the longest bar, and no further.
constexpr double kStretch = 1.35;
constexpr double kAxisHeight = 42;
constexpr double kGroupTitleHeight = 24;
constexpr double kGroupGap = 12;
constexpr double kThinRow = 14;  // a thin bar and the gap below
constexpr double kThinBar = 12;
constexpr double kThinGap = 9;  // between groups
constexpr double kNarrowLabel = 18;

struct BarExtent {
  double least = 0;
  double most = 0;
};

BarExtent BarExtentOf(const BarChart& chart) {
  BarExtent bars;
  BarExtent whiskers;
  for (const BarChart::Group& group : chart.groups) {
    for (const BarChart::Bar& bar : group.bars) {
      bars.least = std::min(bars.least, bar.value);
      bars.most = std::max(bars.most, bar.value);
      if (!bar.spread.has_value()) continue;
      whiskers.least = std::min(whiskers.least, bar.spread->least);
      whiskers.most = std::max(whiskers.most, bar.spread->most);
    }
  }
  const double size = bars.most - bars.least;
  return {.least = std::max(std::min(bars.least, whiskers.least), bars.least - size * 0.04),
          .most = std::min(std::max(bars.most, whiskers.most), bars.most + size * (kStretch - 1))};
}

// The positions in the chart.
struct BarFrame {
  bool narrow = false;
  double width = 0;
  double plot_left = 0;
  double plot_right = 0;
  double row_height = 0;
  double bar_top = 0;  // within a row
  double bar_height = 0;
};

BarFrame BarFrameOf(const BarChart& chart, double width) {
  double label_width = 0;
  double value_width = 0;
  for (const BarChart::Group& group : chart.groups) {
    if (chart.thin) label_width = std::max(label_width, WordsWidth(group.title));
    for (const BarChart::Bar& bar : group.bars) {
      if (!chart.thin) label_width = std::max(label_width, WordsWidth(bar.label));
      value_width = std::max(value_width, WordsWidth(bar.value_text));
    }
  }
  BarFrame frame;
  frame.narrow = width < kWideWidth;
  frame.width = width;
  frame.plot_left = frame.narrow ? 4 : std::min(label_width + 12, width / 2);
  frame.plot_right = width - value_width - 16;
  frame.row_height = frame.narrow ? 38 : 27;
  frame.bar_top = frame.narrow ? 18 : 6;
  frame.bar_height = frame.narrow ? 13 : 15;
  return frame;
}

void DrawWhisker(Drawing& drawing, const Scale& scale, const BarChart::Spread& spread, double y) {
  constexpr double kCap = 3.5;
  const double left = scale.At(spread.least);
  const double right = scale.At(spread.most);
  drawing.Line({left, y}, {right, y}, "whisker");
  if (spread.least >= scale.least()) drawing.Line({left, y - kCap}, {left, y + kCap}, "whisker");
  if (spread.most <= scale.most()) {
    drawing.Line({right, y - kCap}, {right, y + kCap}, "whisker");
  } else {
    drawing.Path({{right - kCap, y - kCap}, {right, y}, {right - kCap, y + kCap}}, "whisker");
  }
}

void DrawBar(Drawing& drawing, const BarFrame& frame, const Scale& scale, const BarChart::Bar& bar,
             double top) {
  const double zero = scale.At(0);
  const double end = scale.At(bar.value);
  const double middle = top + frame.bar_top + frame.bar_height / 2;
  const double text_base = middle + 4.5;
  drawing.BeginSeries(bar.series, absl::StrCat(bar.label, ": ", bar.value_text));
  drawing.Words({frame.narrow ? frame.plot_left : 0, frame.narrow ? top + 12 : text_base},
                Anchor::kStart, "label", bar.label);
  // Keeps the smallest bar visible.
  drawing.Bar(std::min(zero, end), top + frame.bar_top, std::max(std::abs(end - zero), 1.0),
              frame.bar_height);
  double right = std::max(zero, end);
  if (bar.spread.has_value()) {
    DrawWhisker(drawing, scale, *bar.spread, middle);
    right = std::max(right, scale.At(bar.spread->most));
  }
  drawing.Words({right + 7, text_base}, Anchor::kStart, "value", bar.value_text);
  drawing.End();
}

double GroupHeight(const BarChart& chart, const BarChart::Group& group, const BarFrame& frame) {
  const auto bars = static_cast<double>(group.bars.size());
  if (chart.thin) return (frame.narrow ? kNarrowLabel : 0) + kThinRow * bars;
  return (group.title.empty() ? 0 : kGroupTitleHeight) + frame.row_height * bars;
}

void DrawThinGroup(Drawing& drawing, const BarFrame& frame, const Scale& scale,
                   const BarChart::Group& group, double top) {
  if (frame.narrow) {
    drawing.Words({frame.plot_left, top + 12}, Anchor::kStart, "label", group.title);
    top += kNarrowLabel;
  } else {
    const double middle = top + kThinRow * static_cast<double>(group.bars.size()) / 2;
    drawing.Words({0, middle + 4}, Anchor::kStart, "label", group.title);
  }
  const double zero = scale.At(0);
  for (const BarChart::Bar& bar : group.bars) {
    const double end = scale.At(bar.value);
    drawing.BeginSeries(bar.series,
                        absl::StrCat(group.title, ", ", bar.label, ": ", bar.value_text));
    drawing.Bar(std::min(zero, end), top, std::max(std::abs(end - zero), 1.0), kThinBar);
    drawing.Words({std::max(zero, end) + 7, top + 10.5}, Anchor::kStart, "tick", bar.value_text);
    drawing.End();
    top += kThinRow;
  }
}

void DrawGroup(Drawing& drawing, const BarFrame& frame, const Scale& scale,
               const BarChart::Group& group, double top) {
  if (!group.title.empty()) {
    drawing.Words({frame.narrow ? frame.plot_left : 0, top + 16}, Anchor::kStart, "group",
                  group.title);
    top += kGroupTitleHeight;
  }
  for (const BarChart::Bar& bar : group.bars) {
    DrawBar(drawing, frame, scale, bar, top);
    top += frame.row_height;
  }
}

double GapOf(const BarChart& chart) { return chart.thin ? kThinGap : kGroupGap; }

double AxisTop(const BarChart& chart, const BarFrame& frame) {
  double height = 0;
  for (const BarChart::Group& group : chart.groups) {
    height += (height > 0 ? GapOf(chart) : 0) + GroupHeight(chart, group, frame);
  }
  return height + 2;
}

}  // namespace

double BarChartHeight(const BarChart& chart, double width) {
  return AxisTop(chart, BarFrameOf(chart, width)) + kAxisHeight;
}

std::string DrawBarChart(const BarChart& chart, double width, const SeriesStyles& styles) {
  const BarFrame frame = BarFrameOf(chart, width);
  const BarExtent extent = BarExtentOf(chart);
  const Scale scale = Scale::Linear(extent.least, extent.most, frame.plot_left, frame.plot_right,
                                    frame.narrow ? 3 : 5);

  Drawing drawing(styles);
  const double gap = GapOf(chart);
  const double axis = AxisTop(chart, frame);
  for (const double tick : scale.Ticks()) {
    const double x = scale.At(tick);
    drawing.Line({x, 0}, {x, axis}, tick == 0 ? "zero" : "grid");
    drawing.Words({x, axis + 15}, Anchor::kMiddle, "tick", TickLabel(tick));
  }
  drawing.Words({frame.plot_left, axis + 34}, Anchor::kStart, "axis", chart.unit);

  double top = 0;
  for (const BarChart::Group& group : chart.groups) {
    if (top > 0) top += gap;
    if (chart.thin) {
      DrawThinGroup(drawing, frame, scale, group, top);
    } else {
      DrawGroup(drawing, frame, scale, group, top);
    }
    top += GroupHeight(chart, group, frame);
  }
  return drawing.Finish(frame.width, axis + kAxisHeight, chart.description,
                        frame.narrow ? "chart narrow" : "chart wide");
}

}  // namespace inlay::page
