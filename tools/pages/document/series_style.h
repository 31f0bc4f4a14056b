// The look of a series in charts and tables: one colour and one marker. The page chooses them; this
// folder knows no series by name.
//
// No chart relies on colour alone: bars have labels, lines markers.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_SERIES_STYLE_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_SERIES_STYLE_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

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

// The styles of the series of a document; every other series is neutral. Copies share the table.
// Thread-safe: immutable.
class SeriesStyles {
 public:
  SeriesStyles() = default;
  // `named` and the names in it outlive this.
  explicit SeriesStyles(std::span<const SeriesStyle> named) : named_(named) {}

  const SeriesStyle& Of(std::string_view series) const;

  // The CSS class that carries the colour of a series, in the custom property --series.
  std::string ClassOf(std::string_view series) const;

  // All styles, the neutral one last.
  std::vector<SeriesStyle> All() const;

 private:
  std::span<const SeriesStyle> named_;
};

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_SERIES_STYLE_H_
