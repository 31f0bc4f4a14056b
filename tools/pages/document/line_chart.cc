#include "tools/pages/document/line_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/pages/document/drawing.h"
#include "tools/pages/document/scale.h"

namespace inlay::page {
namespace {

constexpr double kTitle = 30;     // the title of the y axis, above the plot
constexpr double kMarkRow = 17;   // the label of a mark, above the plot too
constexpr double kBottom = 48;    // ticks and title of the x axis
constexpr double kLabelGap = 16;  // between the names at the ends of lines

bool OnAxis(const LineChart::Axis& axis, double value) {
  return std::isfinite(value) && (!axis.logarithmic || value > 0);
}

bool Thinned(const LineChart& chart, const LineChart::Point& point) {
  return OnAxis(chart.x, point.x) && OnAxis(chart.y, point.y);
}

bool Thinned(const LineChart& chart, const LineChart::Band::Interval& interval) {
  return OnAxis(chart.x, interval.x) && OnAxis(chart.y, interval.low) &&
         OnAxis(chart.y, interval.high);
}

struct LineExtent {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  void Include(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

struct LineFrame {
  bool narrow = false;
  double left = 0;
  double right = 0;
  double top = 0;
  double bottom = 0;
  double width = 0;
  double height = 0;
};

// Uses the measured x values as ticks, as far as they fit.
std::vector<double> XTicks(const LineChart& chart, const Scale& scale) {
  if (chart.x.round_ticks) return scale.Ticks();
  std::vector<double> all;
  for (const LineChart::Line& line : chart.lines) {
    for (const LineChart::Point& point : line.points) {
      if (Thinned(chart, point)) all.push_back(point.x);
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<double> ticks;
  for (const double x : all) {
    const double room = ticks.empty() ? std::numeric_limits<double>::infinity()
                                      : scale.At(x) - scale.At(ticks.back());
    const double needed =
        ticks.empty() ? 0
                      : (WordsWidth(TickLabel(x)) + WordsWidth(TickLabel(ticks.back()))) / 2 + 6;
    if (room >= needed) ticks.push_back(x);
  }
  return ticks;
}

struct EndLabel {
  const LineChart::Line* line = nullptr;
  Drawing::Place end;
  double y = 0;
};

// Moves labels apart, within the height of the plot.
void MoveApart(std::vector<EndLabel>& labels, double bottom) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const EndLabel& a, const EndLabel& b) { return a.y < b.y; });
  for (size_t i = 1; i < labels.size(); ++i) {
    labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLabelGap);
  }
  for (size_t i = labels.size(); i > 0; --i) {
    labels[i - 1].y = std::min(labels[i - 1].y, bottom);
    bottom = labels[i - 1].y - kLabelGap;
  }
}

// Labels stand above the plot, each in a row of its own, where lines do not cross them.
void DrawMarks(Drawing& drawing, const LineChart& chart, const LineFrame& frame, const Scale& x) {
  double row = kTitle + 4;
  for (const LineChart::Mark& mark : chart.marks) {
    const double at = x.At(mark.x);
    const double width = WordsWidth(mark.label);
    const bool on_left = at + 6 + width > frame.width && at - 6 - width >= 0;
    // A label that fits on neither side goes across.
    const double from = std::min(at + 6, std::max(frame.width - width, 0.0));
    drawing.BeginSeries(mark.series, mark.label);
    drawing.Line({at, row - 10}, {at, frame.bottom}, "place");
    drawing.Words({on_left ? at - 6 : from, row}, on_left ? Anchor::kEnd : Anchor::kStart, "note",
                  mark.label);
    drawing.End();
    row += kMarkRow;
  }
}

void DrawBands(Drawing& drawing, const LineChart& chart, const Scale& x, const Scale& y) {
  for (const LineChart::Band& band : chart.bands) {
    std::vector<Drawing::Place> corners;
    std::vector<Drawing::Place> lower;
    for (const LineChart::Band::Interval& at : band.intervals) {
      if (!Thinned(chart, at)) continue;
      corners.emplace_back(x.At(at.x), y.At(at.high));
      lower.emplace_back(x.At(at.x), y.At(at.low));
    }
    corners.insert(corners.end(), lower.rbegin(), lower.rend());
    if (corners.empty()) continue;
    drawing.BeginSeries(band.series, band.label);
    drawing.Area(corners);
    drawing.End();
  }
}

void DrawAxes(Drawing& drawing, const LineChart& chart, const LineFrame& frame, const Scale& x,
              const Scale& y) {
  for (const double tick : y.Ticks()) {
    const double at = y.At(tick);
    drawing.Line({frame.left, at}, {frame.right, at}, tick == 0 ? "zero" : "grid");
    drawing.Words({frame.left - 8, at + 4}, Anchor::kEnd, "tick", TickLabel(tick));
  }
  for (const double tick : XTicks(chart, x)) {
    const double at = x.At(tick);
    drawing.Line({at, frame.bottom + 1}, {at, frame.bottom + 5}, "zero");
    drawing.Words({at, frame.bottom + 19}, Anchor::kMiddle, "tick", TickLabel(tick));
  }
  // A linear axis has a line at zero.
  if (y.logarithmic())
    drawing.Line({frame.left, frame.bottom}, {frame.right, frame.bottom}, "zero");
  drawing.Words({0, 13}, Anchor::kStart, "axis", chart.y.title);
  drawing.Words({frame.right, frame.bottom + 39}, Anchor::kEnd, "axis", chart.x.title);
}

}  // namespace

std::string DrawLineChart(const LineChart& chart, double width, const SeriesStyles& styles) {
  LineExtent x_extent;
  LineExtent y_extent;
  double label_width = 0;
  for (const LineChart::Line& line : chart.lines) {
    label_width = std::max(label_width, WordsWidth(line.label));
    for (const LineChart::Point& point : line.points) {
      if (!Thinned(chart, point)) continue;
      x_extent.Include(point.x);
      y_extent.Include(point.y);
    }
  }
  if (x_extent.least > x_extent.most) return "";  // nothing to draw
  for (const LineChart::Mark& mark : chart.marks) x_extent.Include(mark.x);
  for (const LineChart::Band& band : chart.bands) {
    for (const LineChart::Band::Interval& at : band.intervals) {
      if (!Thinned(chart, at)) continue;
      x_extent.Include(at.x);
      y_extent.Include(at.low);
      y_extent.Include(at.high);
    }
  }
  if (!chart.y.logarithmic) y_extent.Include(0);

  LineFrame frame;
  frame.narrow = width < kWideWidth;
  frame.width = width;
  const double marks_height = kMarkRow * static_cast<double>(chart.marks.size());
  frame.top = kTitle + marks_height;
  frame.height = (frame.narrow ? 300 : 380) + marks_height;
  frame.left = 46;
  frame.right = width - (frame.narrow ? 14 : label_width + 34);
  frame.bottom = frame.height - kBottom;
  // Room for a marker at both ends.
  const double x_from = frame.left + 10;
  const double x_to = frame.right - 10;
  const Scale x = chart.x.logarithmic
                      ? Scale::Logarithmic(x_extent.least, x_extent.most, x_from, x_to)
                      : Scale::Linear(x_extent.least, x_extent.most, x_from, x_to, 5);
  const Scale y =
      chart.y.logarithmic
          ? Scale::Logarithmic(y_extent.least / 1.3, y_extent.most * 1.3, frame.bottom, frame.top)
          : Scale::LinearToTick(y_extent.least, y_extent.most, frame.bottom, frame.top, 5);

  Drawing drawing(styles);
  DrawAxes(drawing, chart, frame, x, y);
  DrawMarks(drawing, chart, frame, x);
  DrawBands(drawing, chart, x, y);
  std::vector<EndLabel> labels;
  for (const LineChart::Line& line : chart.lines) {
    std::vector<Drawing::Place> places;
    drawing.BeginSeries(line.series, line.label);
    for (const LineChart::Point& point : line.points) {
      if (Thinned(chart, point)) places.emplace_back(x.At(point.x), y.At(point.y));
    }
    if (places.size() > 1) drawing.Path(places, "line");
    drawing.End();
    for (const LineChart::Point& point : line.points) {
      if (!Thinned(chart, point) || line.computed) continue;
      drawing.BeginSeries(
          line.series, absl::StrCat(line.label, ", ", TickLabel(point.x), ": ", point.value_text));
      drawing.Mark({x.At(point.x), y.At(point.y)}, styles.Of(line.series).marker);
      drawing.End();
    }
    if (!places.empty()) labels.push_back({&line, places.back(), places.back().second});
  }
  if (!frame.narrow) {
    MoveApart(labels, frame.bottom);
    for (const EndLabel& label : labels) {
      drawing.BeginSeries(label.line->series, "");
      drawing.Line({label.end.first + 7, label.end.second}, {frame.right + 20, label.y}, "leader");
      drawing.Words({frame.right + 26, label.y + 4}, Anchor::kStart, "label", label.line->label);
      drawing.End();
    }
  }
  return drawing.Finish(frame.width, frame.height, chart.description,
                        frame.narrow ? "chart narrow" : "chart wide");
}

}  // namespace inlay::page
