// Drawing: the elements of one inline SVG picture. It has no colours of its own: classes of the
// page's style sheet set them, so that the picture follows the page's light or dark scheme.
//
// Not thread-safe.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_DRAWING_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_DRAWING_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/pages/document/series_style.h"

namespace inlay::page {

// The widths of charts in CSS pixels. A page has both and shows the one that fits, so that text has
// the same size on a phone and on a desk.
inline constexpr double kWideWidth = 720;
inline constexpr double kNarrowWidth = 360;

enum class Anchor { kStart, kMiddle, kEnd };

class Drawing {
 public:
  // `styles` outlives this.
  explicit Drawing(const SeriesStyles& styles) : styles_(styles) {}

  using Place = std::pair<double, double>;  // x to the right, y down

  void Line(Place from, Place to, std::string_view css_class);
  void Path(const std::vector<Place>& places, std::string_view css_class);
  // The area within.
  void Area(const std::vector<Place>& corners);
  void Bar(double left, double top, double width, double height);
  void Words(Place at, Anchor anchor, std::string_view css_class, std::string_view words);
  // A mark of a series about a place.
  void Mark(Place at, Marker marker);

  // The elements up to End() belong to a series, and show `title` under the pointer.
  void BeginSeries(std::string_view series, std::string_view title);
  void End();

  // The picture, width x height, with a text for readers who cannot see it.
  std::string Finish(double width, double height, std::string_view description,
                     std::string_view css_class) const;

 private:
  const SeriesStyles& styles_;
  std::string elements_;
};

// The approximate width of these words in the font of charts.
double WordsWidth(std::string_view words);

// A small picture of a series, for legends and tables.
enum class Key {
  kMark,   // its marker
  kLine,   // a line with its marker
  kCurve,  // a line alone
  kBar,    // a patch of its colour
  kArea,   // the same, as pale as areas are
};
std::string SeriesKey(std::string_view series, Key key, const SeriesStyles& styles);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_DRAWING_H_
