#include "tools/pages/document/drawing.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/pages/document/escape.h"

namespace inlay::page {
namespace {

constexpr double kMarkRadius = 4;

// A coordinate with one decimal at most.
std::string Pixels(double value) {
  const double rounded = std::round(value * 10) / 10;
  return absl::StrFormat("%g", rounded == 0 ? 0.0 : rounded);  // no "-0"
}

std::string AnchorName(Anchor anchor) {
  switch (anchor) {
    case Anchor::kStart:
      return "start";
    case Anchor::kMiddle:
      return "middle";
    case Anchor::kEnd:
      break;
  }
  return "end";
}

std::string PathOf(const std::vector<Drawing::Place>& places) {
  std::string path;
  for (const auto& [x, y] : places) {
    absl::StrAppend(&path, path.empty() ? "M" : "L", Pixels(x), " ", Pixels(y));
  }
  return path;
}

}  // namespace

void Drawing::Line(Place from, Place to, std::string_view css_class) {
  Path({from, to}, css_class);
}

void Drawing::Path(const std::vector<Place>& places, std::string_view css_class) {
  absl::StrAppend(&elements_, "<path class=\"", std::string(css_class), "\" d=\"", PathOf(places),
                  "\"/>\n");
}

void Drawing::Area(const std::vector<Place>& corners) {
  absl::StrAppend(&elements_, "<path class=\"area\" d=\"", PathOf(corners), "Z\"/>\n");
}

void Drawing::Bar(double left, double top, double width, double height) {
  absl::StrAppend(&elements_, "<rect class=\"bar\" x=\"", Pixels(left), "\" y=\"", Pixels(top),
                  "\" width=\"", Pixels(width), "\" height=\"", Pixels(height),
                  "\" rx=\"1.5\"/>\n");
}

void Drawing::Words(Place at, Anchor anchor, std::string_view css_class, std::string_view words) {
  absl::StrAppend(&elements_, "<text class=\"", std::string(css_class), "\" x=\"", Pixels(at.first),
                  "\" y=\"", Pixels(at.second), "\" text-anchor=\"", AnchorName(anchor), "\">",
                  Escaped(words), "</text>\n");
}

void Drawing::Mark(Place at, Marker marker) {
  const auto [x, y] = at;
  const bool hollow =
      marker == Marker::kRing || marker == Marker::kSquareRing || marker == Marker::kCross;
  const std::string css_class = hollow ? "mark hollow" : "mark";
  const double r = kMarkRadius;
  const auto closed = [&](const std::vector<Place>& corners) {
    absl::StrAppend(&elements_, "<path class=\"", css_class, "\" d=\"", PathOf(corners), "Z\"/>\n");
  };
  switch (marker) {
    case Marker::kCircle:
    case Marker::kRing:
      absl::StrAppend(&elements_, "<circle class=\"", css_class, "\" cx=\"", Pixels(x), "\" cy=\"",
                      Pixels(y), "\" r=\"", Pixels(r), "\"/>\n");
      break;
    case Marker::kSquare:
    case Marker::kSquareRing:
      closed({{x - r + 0.5, y - r + 0.5},
              {x + r - 0.5, y - r + 0.5},
              {x + r - 0.5, y + r - 0.5},
              {x - r + 0.5, y + r - 0.5}});
      break;
    case Marker::kTriangle:
      closed({{x, y - r - 1}, {x + r + 0.5, y + r - 0.5}, {x - r - 0.5, y + r - 0.5}});
      break;
    case Marker::kTriangleDown:
      closed({{x, y + r + 1}, {x + r + 0.5, y - r + 0.5}, {x - r - 0.5, y - r + 0.5}});
      break;
    case Marker::kDiamond:
      closed({{x, y - r - 1}, {x + r + 1, y}, {x, y + r + 1}, {x - r - 1, y}});
      break;
    case Marker::kCross:
      Line({x - r + 0.5, y - r + 0.5}, {x + r - 0.5, y + r - 0.5}, css_class);
      Line({x - r + 0.5, y + r - 0.5}, {x + r - 0.5, y - r + 0.5}, css_class);
      break;
  }
}

void Drawing::BeginSeries(std::string_view series, std::string_view title) {
  absl::StrAppend(&elements_, "<g class=\"", styles_.ClassOf(series),
                  styles_.Of(series).dashed ? " dashed" : "", "\">");
  if (!title.empty()) absl::StrAppend(&elements_, "<title>", Escaped(title), "</title>");
  elements_ += "\n";
}

void Drawing::End() { elements_ += "</g>\n"; }

std::string Drawing::Finish(double width, double height, std::string_view description,
                            std::string_view css_class) const {
  return absl::StrCat("<svg class=\"", std::string(css_class), "\" viewBox=\"0 0 ", Pixels(width),
                      " ", Pixels(height), "\" role=\"img\" aria-label=\"", Escaped(description),
                      "\" xmlns=\"http://www.w3.org/2000/svg\">\n", elements_, "</svg>\n");
}

double WordsWidth(std::string_view words) {
  // A safe estimate for 12.5 pixels.
  constexpr double kUsual = 6.9;
  constexpr double kCapital = 9.9;
  constexpr double kWide = 12.5;
  constexpr double kIdeograph = 13;
  double width = 0;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // not the start of a character
    if (std::string_view("MWmw@%").find(c) != std::string_view::npos) {
      width += kWide;
    } else if (byte >= 0xE0) {
      width += kIdeograph;
    } else {
      width += c >= 'A' && c <= 'Z' ? kCapital : kUsual;
    }
  }
  return width;
}

std::string SeriesKey(std::string_view series, Key key, const SeriesStyles& styles) {
  Drawing drawing(styles);
  const bool wide = key == Key::kLine || key == Key::kCurve;
  const double width = wide ? 26 : 12;
  constexpr double kHeight = 12;
  drawing.BeginSeries(series, "");
  if (wide) drawing.Line({0, kHeight / 2}, {width, kHeight / 2}, "line");
  if (key == Key::kBar) drawing.Bar(0, 1, width, kHeight - 2);
  if (key == Key::kArea) {
    drawing.Area({{0, 1}, {width, 1}, {width, kHeight - 1}, {0, kHeight - 1}});
  }
  if (key == Key::kMark || key == Key::kLine) {
    drawing.Mark({width / 2, kHeight / 2}, styles.Of(series).marker);
  }
  drawing.End();
  std::string picture = drawing.Finish(width, kHeight, "", "key");
  // The name stands beside it.
  const std::string described = "role=\"img\" aria-label=\"\"";
  picture.replace(
      picture.find(described), described.size(),
      absl::StrFormat("width=\"%g\" height=\"%g\" aria-hidden=\"true\"", width, kHeight));
  return picture;
}

}  // namespace inlay::page
