// The data of a chart. bar_chart.h and line_chart.h decide its look.
//
// A series has the name of its subject ("index", "flyweight", ...), which determines its colour and
// marker in all charts (series_style.h).

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
    std::string value_text = {};                  // the text of the value at the end of the bar
  };
  struct Group {
    std::string title = {};  // may be empty
    std::vector<Bar> bars = {};
  };
  std::string description;  // for readers who cannot see the chart
  std::string unit;         // the title of the axis
  std::vector<Group> groups;
  bool thin = false;  // the groups then have the same series in the same order, and no whiskers
};

// Values over a parameter.
struct LineChart {
  struct Axis {
    std::string title;
    bool logarithmic = false;  // the axis omits values that are not above zero
    bool round_ticks = false;  // of x: ticks at round values, not at the measured ones
  };
  struct Point {
    double x = 0;
    double y = 0;
    std::string value_text;  // shown under the pointer
  };
  struct Line {
    std::string series;
    std::string label;
    std::vector<Point> points = {};  // by ascending x
    bool computed = false;           // a curve through many points, drawn without their markers
  };
  // The area between two curves, which should contain the truth.
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
  // A place on the x axis that the text mentions.
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
