// How a series looks: one colour and one marker for each layout, each peer and each thing that is counted, the
// same in all charts of all commands. This is the one place that decides them.
//
// Colours are told apart by people who do not see all of them, and have a contrast of at least 3 to
// the background in both schemes. No chart relies on colour alone: bars have labels, lines markers.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_SERIES_STYLE_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_SERIES_STYLE_H_

#include <span>
#include <string>
#include <string_view>

namespace inlay::page {

enum class Marker {
  kCircle,
  kSquare,
  kTriangle,
  kDiamond,
  kTriangleDown,
  kRing,
  kSquareRing,
  kCross
};

struct SeriesStyle {
  std::string_view series;
  std::string_view light;  // the colour on a light background, "#rrggbb"
  std::string_view dark;   // on a dark one
  Marker marker = Marker::kCircle;
  bool dashed = false;
};

// The style of a series; a neutral one for a name that has none.
const SeriesStyle& StyleOf(std::string_view series);

// The CSS class that carries the colour of a series, in the custom property --series.
std::string SeriesClass(std::string_view series);

// All styles, the neutral one last.
std::span<const SeriesStyle> AllStyles();

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_SERIES_STYLE_H_
