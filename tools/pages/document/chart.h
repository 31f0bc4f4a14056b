// The data of a chart. How it looks is decided where it is drawn: bar_chart.h and line_chart.h.
//
// A series is named after what was measured ("index", "flyweight", ...); its colour and its marker
// follow from that name (series_style.h), in all charts alike.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_CHART_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_CHART_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace inlay::page {

// Horizontal bars from zero, in groups: one under the other, each with its label; or thin bars side
// by side, of which the group's title is the label and a legend names the series.
struct BarChart {
  struct Spread {
    double least = 0;
    double most = 0;
  };
  struct Bar {
    std::string series;
    std::string label;
    double value = 0;
    std::optional<Spread> spread = std::nullopt;  // drawn as whiskers
    std::string value_text = {};  // the value as it is written at the end of the bar
  };
  struct Group {
    std::string title = {};  // may be empty
    std::vector<Bar> bars = {};
  };
  std::string description;  // what a reader who cannot see the chart is told
  std::string unit;         // the title of the axis
  std::vector<Group> groups;
  bool thin = false;  // the groups then have the same series in the same order, and no whiskers
};

// Values over a parameter.
struct LineChart {
  struct Axis {
    std::string title;
    bool logarithmic = false;  // every value on the axis is then above zero, or is left out
    bool round_ticks = false;  // of x: ticks at round values, not where something was measured
  };
  struct Point {
    double x = 0;
    double y = 0;
    std::string value_text;  // what the pointing device is told
  };
  struct Line {
    std::string series;
    std::string label;
    std::vector<Point> points = {};  // by ascending x
    bool computed = false;           // a curve through many points, drawn without their markers
  };
  // What lies between two curves: where the truth is expected.
  struct Band {
    struct Interval {
      double x = 0;
      double low = 0;
      double high = 0;
    };
    std::string series;
    std::string label;
    std::vector<Interval> intervals = {};  // by ascending x
  };
  // A place on the x axis that the text speaks of.
  struct Mark {
    double x = 0;
    std::string series;
    std::string label;
  };
  std::string description;
  Axis x;
  Axis y;
  std::vector<Line> lines;
  std::vector<Mark> marks;
  std::vector<Band> bands = {};
};

using Chart = std::variant<BarChart, LineChart>;

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_CHART_H_
