// A chart in an SVG file of its own: what it needs to be readable alone.

#include "tools/pages/document/picture_file.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/pages/well_formed.h"
#include "tools/pages/styles/styles.h"

namespace inlay::page {
namespace {

constexpr char kMarkup[] = "</text><script>alert('1')</script> & \"q\" \x01\xff";

Picture TwoBars(const std::string& name) {
  Picture picture{.title = "Title " + name,
                  .chart = {.description = name, .unit = name, .groups = {}},
                  .notes = {}};
  picture.chart.groups = {
      {.title = name,
       .bars = {{.series = "index", .label = name, .value = 3, .value_text = "3.0"},
                {.series = "of nobody", .label = name, .value = 5, .value_text = name}}}};
  picture.notes = {name, "the last note"};
  return picture;
}

// The number after the first `before`.
double NumberAfter(const std::string& text, const std::string& before) {
  const size_t at = text.find(before);
  return at == std::string::npos ? -1 : std::stod(text.substr(at + before.size()));
}

TEST(PictureFileTest, IsWellFormedWhateverTheTextsAre) {
  const std::string file = FormatPicture(TwoBars(kMarkup), Styles());
  const WellFormed picture(file);
  EXPECT_EQ(picture.error(), "");
  EXPECT_EQ(picture.elements().count("script"), 0U);
  EXPECT_EQ(file.find('\x01'), std::string::npos) << "XML has no such character";
  EXPECT_EQ(file.find('\xff'), std::string::npos) << "nor UTF-8 such a byte";
}

TEST(PictureFileTest, NamesAndDescribesItself) {
  const std::string file = FormatPicture(TwoBars("bars"), Styles());
  EXPECT_TRUE(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")) << file;
  for (const char* const part :
       {"role=\"img\" aria-labelledby=\"title desc\"", "<title id=\"title\">Title bars</title>",
        "<desc id=\"desc\">bars</desc>"}) {
    EXPECT_NE(file.find(part), std::string::npos) << part << "\n" << file;
  }
}

TEST(PictureFileTest, HoldsAllOfIt) {
  const std::string file = FormatPicture(TwoBars("bars"), Styles());
  const double height = NumberAfter(file, " height=\"");
  EXPECT_EQ(NumberAfter(file, "viewBox=\"0 0 860 "), height);
  const std::string last = file.substr(file.rfind("<text"));
  EXPECT_NE(last.find("the last note"), std::string::npos) << last;
  EXPECT_LT(NumberAfter(last, " y=\""), height);
}

// Programs that draw SVG and are no browsers know no custom properties, and draw them black.
TEST(PictureFileTest, CarriesItsColoursForBothSchemes) {
  const std::string file = FormatPicture(TwoBars("bars"), Styles());
  EXPECT_EQ(file.find("var("), std::string::npos) << file;
  EXPECT_EQ(file.find("url("), std::string::npos) << file;
  const size_t media = file.find("@media (prefers-color-scheme: dark) {");
  ASSERT_NE(media, std::string::npos) << file;
  const std::string light = file.substr(0, media);
  const std::string dark = file.substr(media);
  for (const char* const series : {"index", "of nobody"}) {
    const SeriesStyle style = Styles().Of(series);
    const std::string rule = "." + Styles().ClassOf(series) + " .bar { fill: ";
    EXPECT_NE(light.find(rule + std::string(style.light)), std::string::npos) << light;
    EXPECT_NE(dark.find(rule + std::string(style.dark)), std::string::npos) << dark;
  }
  EXPECT_EQ(file.find(".s-pointer"), std::string::npos) << "a series that it does not show";
  for (const char* const rule :
       {"svg text { fill: #", ".paper { fill: #", "svg .grid { stroke: #"}) {
    EXPECT_NE(light.find(rule), std::string::npos) << rule << "\n" << light;
    EXPECT_NE(dark.find(rule), std::string::npos) << rule << "\n" << dark;
  }
}

}  // namespace
}  // namespace inlay::page
