#include "tools/pages/document/picture_file.h"

#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "tools/pages/document/bar_chart.h"
#include "tools/pages/document/escape.h"
#include "tools/pages/document/style_sheet.h"

namespace inlay::page {
namespace {

constexpr double kPictureWidth = 860;  // fills the column of a README
constexpr double kMargin = 20;
constexpr double kChartWidth = kPictureWidth - 2 * kMargin;
constexpr double kTitleBase = 34;
constexpr double kChartTop = 52;
constexpr double kNoteHeight = 18;

std::string TextAt(double base, std::string_view css_class, std::string_view words) {
  return absl::StrCat("<text class=\"", std::string(css_class), "\" x=\"", kMargin, "\" y=\"", base,
                      "\">", Escaped(words), "</text>\n");
}

std::set<std::string> SeriesOf(const BarChart& chart) {
  std::set<std::string> series;
  for (const BarChart::Group& group : chart.groups) {
    for (const BarChart::Bar& bar : group.bars) series.insert(bar.series);
  }
  return series;
}

}  // namespace

std::string FormatPicture(const Picture& picture, const SeriesStyles& styles) {
  const double chart_height = BarChartHeight(picture.chart, kChartWidth);
  double base = kChartTop + chart_height;
  std::string notes;
  for (const std::string& note : picture.notes) {
    base += kNoteHeight;
    notes += TextAt(base, "tick", note);
  }
  const double height = base + kMargin;
  return absl::StrCat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", kPictureWidth, "\" height=\"", height,
      "\" viewBox=\"0 0 ", kPictureWidth, " ", height,
      "\" role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">",
      Escaped(picture.title), "</title>\n<desc id=\"desc\">", Escaped(picture.chart.description),
      "</desc>\n<style>\n", PictureStyleSheet(styles, SeriesOf(picture.chart)), "</style>\n",
      "<rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"", kPictureWidth - 1, "\" height=\"",
      height - 1, "\" rx=\"8\"/>\n", TextAt(kTitleBase, "head", picture.title), "<svg x=\"",
      kMargin, "\" y=\"", kChartTop, "\" width=\"", kChartWidth, "\" height=\"", chart_height,
      "\">\n", DrawBarChart(picture.chart, kChartWidth, styles), "</svg>\n", notes, "</svg>\n");
}

}  // namespace inlay::page
