// Pages: a document in HTML with its charts, and in Markdown.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/tools/pages/well_formed.h"
#include "tools/pages/document/bar_chart.h"
#include "tools/pages/document/document.h"
#include "tools/pages/document/drawing.h"
#include "tools/pages/document/escape.h"
#include "tools/pages/document/html_page.h"
#include "tools/pages/document/line_chart.h"
#include "tools/pages/document/markdown.h"
#include "tools/pages/document/scale.h"
#include "tools/pages/styles/styles.h"

namespace inlay::page {
namespace {

// Text that is markup of all kinds at once.
constexpr char kHostile[] = "<script>alert('1')</script> & \"q\" | `b` *s* [l](u) \x01\xff\n# h";

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

BarChart Bars() {
  BarChart chart;
  chart.description = "what the bars say";
  chart.unit = "ns";
  chart.groups = {{.title = "cold",
                   .bars = {{.series = "pointer",
                             .label = "pointer",
                             .value = 386,
                             .spread = {{.least = 300, .most = 9000}},
                             .value_text = "386"},
                            {.series = "index",
                             .label = "index",
                             .value = 9,
                             .spread = {{.least = -3, .most = 20}},
                             .value_text = "9.0"}}},
                  {.title = "hot",
                   .bars = {{.series = "unheard_of",
                             .label = kHostile,
                             .value = -2,
                             .spread = {},
                             .value_text = "-2.0"}}}};
  return chart;
}

LineChart Lines() {
  LineChart chart;
  chart.description = "what the lines say";
  chart.x = {.title = "sockets", .logarithmic = true};
  chart.y = {.title = "bytes", .logarithmic = true};
  chart.lines = {
      {.series = "index",
       .label = "index",
       .points = {{.x = 10, .y = 2, .value_text = "2"}, {.x = 1e6, .y = 200, .value_text = "200"}}},
      {.series = "inline", .label = kHostile, .points = {{.x = 10, .y = 108, .value_text = "8"}}}};
  chart.marks = {{.x = 5e5, .series = "inline", .label = "inline: 500,000"}};
  return chart;
}

Document Everything() {
  Document document;
  document.title = std::string("Title ") + kHostile;
  document.subtitle = kHostile;
  document.footer = kHostile;
  Section section{.id = "all", .title = kHostile, .blocks = {}};
  Text text(kHostile);
  text.Code(kHostile).Strong(kHostile).Good(kHostile).Bad(kHostile);
  section.blocks.emplace_back(Paragraph{text});
  section.blocks.emplace_back(BulletList{{text, text}});
  section.blocks.emplace_back(Facts{{{kHostile, text}}});
  section.blocks.emplace_back(Tiles{{{.figure = kHostile, .unit = kHostile, .note = text}}});
  section.blocks.emplace_back(Subheading{kHostile});
  section.blocks.emplace_back(CodeBlock{.title = kHostile, .code = kHostile});
  document.verdict = {text, kHostile};
  Table table;
  table.columns = {{kHostile, false}, {"n"}};
  table.rows = {{.series = "index", .cells = {kHostile, "1"}},
                {.series = "", .cells = {text, "2"}}};
  section.blocks.emplace_back(Appendix{.title = kHostile, .table = table});
  section.blocks.emplace_back(Figure{.title = kHostile,
                                     .chart = Bars(),
                                     .table = table,
                                     .notes = {kHostile},
                                     .commands = {kHostile}});
  section.blocks.emplace_back(
      Figure{.title = "lines", .chart = Lines(), .table = table, .notes = {}, .commands = {}});
  document.sections.push_back(std::move(section));
  return document;
}

TEST(EscapeTest, MarkupIsText) {
  EXPECT_EQ(Escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(Escaped("\x01"), "\\x01");
  EXPECT_EQ(Escaped("\xff"), "\\xFF");
  EXPECT_EQ(Escaped("µs"), "µs");
}

TEST(HtmlPageTest, IsWellFormedWhateverTheTextsAre) {
  const WellFormed page(FormatHtml(Everything()));
  EXPECT_EQ(page.error(), "");
  EXPECT_EQ(page.elements().count("script"), 0U);
  EXPECT_EQ(page.elements().count("h1"), 1U);
  EXPECT_EQ(page.elements().count("table"), 3U);
  // Each chart for desks and for phones, and the keys of series in tables and in the legend.
  EXPECT_EQ(page.elements().count("svg"), 4U + 3U + 2U);
}

TEST(HtmlPageTest, NeedsNothingElse) {
  const std::string html = FormatHtml(Everything());
  const std::string name_space = "xmlns=\"http://www.w3.org/2000/svg\"";
  EXPECT_EQ(Count(html, "http://") + Count(html, "https://"), Count(html, name_space));
  for (const char* const fetches : {"<script", "<link", "<img", "@import", "url(", "src="}) {
    EXPECT_EQ(Count(html, fetches), 0U) << fetches;
  }
  for (const std::string& attribute : WellFormed(html).attributes()) {
    if (attribute.starts_with("href=")) {
      EXPECT_TRUE(attribute.starts_with("href=#")) << attribute;
    }
  }
}

TEST(HtmlPageTest, KnowsBothSchemesAndSmallScreens) {
  const std::string html = FormatHtml(Everything());
  for (const char* const needed : {"prefers-color-scheme: dark", "<meta name=\"viewport\"",
                                   "lang=\"en\"", "max-width: 45rem"}) {
    EXPECT_EQ(Count(html, needed), 1U) << needed;
  }
}

TEST(HtmlPageTest, SaysWhatChartsShow) {
  const std::string html = FormatHtml(Everything());
  EXPECT_EQ(Count(html, "role=\"img\" aria-label=\"what the bars say\""), 2U);
  EXPECT_EQ(Count(html, "role=\"img\" aria-label=\"what the lines say\""), 2U);
  EXPECT_EQ(Count(html, "<title>index: 9.0</title>"), 2U);
  EXPECT_EQ(Count(html, "href=\"#all\""), 1U);
  EXPECT_EQ(Count(html, "id=\"all\""), 1U);
}

TEST(BarChartTest, AWhiskerThatIsTooLongGoesOnAndTheBarsStayReadable) {
  const std::string chart = DrawBarChart(Bars(), kWideWidth, Styles());
  EXPECT_EQ(WellFormed(chart).error(), "");
  // All that is drawn is inside the picture: pairs of numbers in paths.
  for (const std::string& attribute : WellFormed(chart).attributes()) {
    for (const char* const name : {"x=", "width="}) {
      if (!attribute.starts_with(name)) continue;
      const double value = std::stod(attribute.substr(attribute.find('=') + 1));
      EXPECT_GE(value, 0) << attribute;
      EXPECT_LE(value, kWideWidth) << attribute;
    }
  }
  EXPECT_EQ(Count(chart, "class=\"bar\""), 3U);
}

TEST(BarChartTest, LongerValuesAreLongerBars) {
  BarChart chart;
  chart.groups = {{.title = "", .bars = {}}};
  for (const double value : {1.0, 2.0, 4.0}) {
    chart.groups[0].bars.push_back(
        {.series = "index", .label = "a", .value = value, .spread = {}, .value_text = "v"});
  }
  for (const double width : {kWideWidth, kNarrowWidth}) {
    std::vector<double> widths;
    for (const std::string& attribute :
         WellFormed(DrawBarChart(chart, width, Styles())).attributes()) {
      if (attribute.starts_with("width=")) widths.push_back(std::stod(attribute.substr(6)));
    }
    ASSERT_EQ(widths.size(), 3U);
    EXPECT_NEAR(widths[1], 2 * widths[0], 0.2);
    EXPECT_NEAR(widths[2], 4 * widths[0], 0.4);
  }
}

TEST(BarChartTest, NoBarsAndZeroesAreNoHarm) {
  EXPECT_EQ(WellFormed(DrawBarChart({}, kWideWidth, Styles())).error(), "");
  BarChart zeroes;
  zeroes.groups = {
      {.title = "",
       .bars = {{.series = "index", .label = "a", .value = 0, .spread = {}, .value_text = "0"}}}};
  const std::string chart = DrawBarChart(zeroes, kNarrowWidth, Styles());
  EXPECT_EQ(WellFormed(chart).error(), "");
  EXPECT_EQ(Count(chart, "nan"), 0U);
}

TEST(LineChartTest, LeavesOutWhatALogarithmicAxisCannotShow) {
  LineChart chart = Lines();
  chart.lines[0].points.push_back({.x = 2e6, .y = 0, .value_text = "0"});
  chart.lines[0].points.push_back({.x = 3e6, .y = std::nan(""), .value_text = "none"});
  const std::string drawn = DrawLineChart(chart, kWideWidth, Styles());
  EXPECT_EQ(WellFormed(drawn).error(), "");
  EXPECT_EQ(Count(drawn, "nan"), 0U);
  EXPECT_EQ(Count(drawn, "inf"), 0U);
  EXPECT_EQ(drawn, [&] {
    LineChart without = Lines();
    return DrawLineChart(without, kWideWidth, Styles());
  }());
}

TEST(LineChartTest, NamesSeriesWhereThereIsRoom) {
  const std::string label = ">index</text>";
  EXPECT_EQ(Count(DrawLineChart(Lines(), kWideWidth, Styles()), label), 1U);
  EXPECT_EQ(Count(DrawLineChart(Lines(), kNarrowWidth, Styles()), label), 0U);
  EXPECT_EQ(Count(DrawLineChart(Lines(), kNarrowWidth, Styles()), "inline: 500,000</text>"), 1U);
}

TEST(LineChartTest, NothingToShowIsNoChart) {
  EXPECT_EQ(DrawLineChart({}, kWideWidth, Styles()), "");
  LineChart one = Lines();
  one.lines.resize(1);
  one.lines[0].points.resize(1);
  one.marks.clear();
  const std::string drawn = DrawLineChart(one, kWideWidth, Styles());
  EXPECT_EQ(WellFormed(drawn).error(), "");
  EXPECT_EQ(Count(drawn, "nan"), 0U);
}

TEST(LineChartTest, ACurveHasNoMarkersAndRoundTicks) {
  LineChart chart = Lines();
  chart.x.round_ticks = true;
  chart.lines = {{.series = "index", .label = "index", .points = {}, .computed = true}};
  for (double x = 3; x < 4e5; x *= 1.1) {
    chart.lines[0].points.push_back({.x = x, .y = x, .value_text = "y"});
  }
  const std::string curve = DrawLineChart(chart, kWideWidth, Styles());
  EXPECT_EQ(Count(curve, "class=\"mark"), 0U);
  EXPECT_EQ(Count(curve, "class=\"line\""), 1U);
  for (const char* const tick : {">10</text>", ">1000</text>", ">100k</text>"}) {
    EXPECT_GE(Count(curve, tick), 1U) << tick;
  }
  chart.lines[0].computed = false;
  EXPECT_GT(Count(DrawLineChart(chart, kWideWidth, Styles()), "class=\"mark"), 100U);
}

TEST(LineChartTest, ABandIsDrawnWhereTheAxesCanShowIt) {
  LineChart chart = Lines();
  EXPECT_EQ(Count(DrawLineChart(chart, kWideWidth, Styles()), "class=\"area\""), 0U);
  chart.bands = {{.series = "index",
                  .label = kHostile,
                  .intervals = {{.x = 10, .low = 2, .high = 2},
                                {.x = 100, .low = 0, .high = 9},
                                {.x = 1e6, .low = 100, .high = INFINITY},
                                {.x = 1e7, .low = 100, .high = 300}}}};
  for (const double width : {kWideWidth, kNarrowWidth}) {
    const std::string drawn = DrawLineChart(chart, width, Styles());
    EXPECT_EQ(WellFormed(drawn).error(), "");
    EXPECT_EQ(Count(drawn, "class=\"area\""), 1U);
    EXPECT_EQ(Count(drawn, "nan") + Count(drawn, "inf"), 0U);
  }
  EXPECT_EQ(Count(FormatHtml({.title = "t",
                              .subtitle = "s",
                              .sections = {{.id = "a",
                                            .title = "a",
                                            .blocks = {Figure{.title = "e", .chart = chart}}}},
                              .footer = "f"}),
                  "class=\"area\""),
            3U)
      << "in both pictures, and as a key in the legend";
}

// Labels of marks stand above the plot, within the picture.
TEST(LineChartTest, MarksNeitherHideLinesNorStickOut) {
  LineChart chart = Lines();
  chart.marks.clear();
  for (const double x : {10.0, 1e3, 1e5, 1e6}) {
    chart.marks.push_back({.x = x, .series = "inline", .label = "as much as anything: 500,000"});
  }
  for (const double width : {kWideWidth, kNarrowWidth}) {
    const std::string drawn = DrawLineChart(chart, width, Styles());
    double lowest_label = 0;
    double highest_grid = 1e9;
    for (size_t at = 0; (at = drawn.find("<text class=\"note\" x=\"", at)) != std::string::npos;) {
      at += 22;
      double x = std::stod(drawn.substr(at));
      const double y = std::stod(drawn.substr(drawn.find("y=\"", at) + 3));
      const double label_width = WordsWidth("as much as anything: 500,000");
      if (drawn.compare(drawn.find("text-anchor=\"", at) + 13, 3, "end") == 0) x -= label_width;
      EXPECT_GE(x, -0.05) << "places are rounded to a tenth";
      EXPECT_LE(x + label_width, width + 0.05);
      lowest_label = std::max(lowest_label, y);
    }
    for (size_t at = 0; (at = drawn.find("class=\"grid\" d=\"M", at)) != std::string::npos;) {
      at = drawn.find(' ', at + 18);
      highest_grid = std::min(highest_grid, std::stod(drawn.substr(at + 1)));
    }
    EXPECT_GT(lowest_label, 0);
    EXPECT_LT(lowest_label, highest_grid);
  }
}

TEST(BarChartTest, ThinBarsShareALabelAndHaveALegend) {
  BarChart chart;
  chart.description = "thin bars";
  chart.unit = "percent";
  chart.groups = {};
  chart.thin = true;
  for (const char* const title : {"1 copy", "2 copies"}) {
    chart.groups.push_back(
        {.title = title,
         .bars = {
             {.series = "values", .label = "all values", .value = 40, .value_text = "40 %"},
             {.series = "records", .label = "all records", .value = 20, .value_text = "20 %"}}});
  }
  for (const double width : {kWideWidth, kNarrowWidth}) {
    const std::string drawn = DrawBarChart(chart, width, Styles());
    EXPECT_EQ(WellFormed(drawn).error(), "");
    EXPECT_EQ(Count(drawn, "class=\"bar\""), 4U);
    EXPECT_EQ(Count(drawn, ">1 copy</text>"), 1U);
    EXPECT_EQ(Count(drawn, ">all values</text>"), 0U);
    EXPECT_EQ(Count(drawn, "<title>1 copy, all values: 40 %</title>"), 1U);
  }
  const std::string html = FormatHtml(
      {.title = "t",
       .subtitle = "s",
       .sections = {{.id = "a", .title = "a", .blocks = {Figure{.title = "e", .chart = chart}}}},
       .footer = "f"});
  EXPECT_EQ(WellFormed(html).error(), "");
  EXPECT_EQ(Count(html, "</svg>\nall values</li>"), 1U) << html;
}

TEST(CodeBlockTest, KeepsItsLines) {
  const CodeBlock code{.title = "c", .code = "struct a {\n\tint b[2];  // <b> & ```\n};"};
  const Document document{.title = "t",
                          .subtitle = "s",
                          .sections = {{.id = "a", .title = "a", .blocks = {code}}},
                          .footer = "f"};
  EXPECT_EQ(Count(FormatHtml(document),
                  "<pre><code>struct a {\n\tint b[2];  // &lt;b&gt; &amp; ```\n};\n</code></pre>"),
            1U);
  EXPECT_EQ(
      Count(FormatMarkdown(document), "````\nstruct a {\n\tint b[2];  // <b> & ```\n};\n````\n"),
      1U);
}

TEST(ScaleTest, LinearGoesFromLeastToTheTickAboveMost) {
  const Scale scale = Scale::LinearToTick(0, 386, 100, 200, 5);
  EXPECT_DOUBLE_EQ(scale.At(0), 100);
  EXPECT_DOUBLE_EQ(scale.most(), 400);
  EXPECT_DOUBLE_EQ(scale.At(400), 200);
  EXPECT_DOUBLE_EQ(scale.At(1e9), 200) << "not beyond its end";
  EXPECT_EQ(scale.Ticks(), (std::vector<double>{0, 100, 200, 300, 400}));
  EXPECT_EQ(Scale::Linear(-3, 19, 0, 1, 5).Ticks(), (std::vector<double>{0, 5, 10, 15}));
}

TEST(ScaleTest, LogarithmicHasPowersOfTen) {
  const Scale scale = Scale::Logarithmic(1, 10000, 0, 400);
  EXPECT_DOUBLE_EQ(scale.At(1), 0);
  EXPECT_NEAR(scale.At(100), 200, 1e-9);
  EXPECT_EQ(scale.Ticks(), (std::vector<double>{1, 10, 100, 1000, 10000}));
  EXPECT_EQ(Scale::Logarithmic(3, 60, 0, 1).Ticks(), (std::vector<double>{5, 10, 20, 50}));
}

TEST(ScaleTest, LabelsAreShort) {
  EXPECT_EQ(TickLabel(0), "0");
  EXPECT_EQ(TickLabel(0.5), "0.5");
  EXPECT_EQ(TickLabel(1024), "1024");
  EXPECT_EQ(TickLabel(65000), "65k");
  EXPECT_EQ(TickLabel(2.5e6), "2.5M");
}

// The relative luminance and contrast of the Web Content Accessibility Guidelines.
double Luminance(std::string_view colour) {
  double sum = 0;
  const double weights[] = {0.2126, 0.7152, 0.0722};
  for (size_t i = 0; i < 3; ++i) {
    const double part = std::stoi(std::string(colour.substr(1 + 2 * i, 2)), nullptr, 16) / 255.0;
    sum += weights[i] * (part <= 0.03928 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4));
  }
  return sum;
}
double Contrast(std::string_view a, std::string_view b) {
  const double light = std::max(Luminance(a), Luminance(b));
  const double dark = std::min(Luminance(a), Luminance(b));
  return (light + 0.05) / (dark + 0.05);
}

TEST(SeriesStyleTest, ColoursStandOutFromBothBackgrounds) {
  for (const SeriesStyle& style : Styles().All()) {
    EXPECT_GE(Contrast(style.light, "#fdfdfc"), 3) << style.series;
    EXPECT_GE(Contrast(style.dark, "#121518"), 3) << style.series;
  }
}

TEST(SeriesStyleTest, EachSeriesLooksTheSameEverywhereAndUnknownOnesNeutral) {
  EXPECT_EQ(Styles().Of("index").series, "index");
  EXPECT_EQ(Styles().ClassOf("index"), "s-index");
  EXPECT_EQ(Styles().ClassOf("unheard_of"), Styles().ClassOf("\"><script>"));
  EXPECT_NE(Styles().ClassOf("unheard_of"), Styles().ClassOf("index"));
}

TEST(MarkdownTest, MarkupIsText) {
  EXPECT_EQ(FormatMarkdown(Text("a|b *c* [d](e) <f> `g` \\ #")),
            "a\\|b \\*c\\* \\[d\\](e) \\<f\\> \\`g\\` \\\\ \\#");
  EXPECT_EQ(FormatMarkdown(Text::OfCode("a|b")), "`a\\|b`");
  EXPECT_EQ(FormatMarkdown(Text::OfCode("a`b``c")), "``` a`b``c ```");
  EXPECT_EQ(FormatMarkdown(Text("a\nb")), "a\\\\x0Ab");
}

TEST(MarkdownTest, TablesAreAligned) {
  Table table;
  table.columns = {{"layout", false}, {"ns"}};
  table.rows = {{.series = "index", .cells = {Text::OfCode("index").Plain(": ok"), "9.0"}}};
  EXPECT_EQ(FormatMarkdown(table),
            "| layout | ns |\n"
            "|---|---:|\n"
            "| `index`: ok | 9.0 |\n");
}

TEST(MarkdownTest, HasEverythingButChartsAndAppendices) {
  Document document = Everything();
  const std::string markdown = FormatMarkdown(document);
  EXPECT_EQ(Count(markdown, "<svg"), 0U);
  EXPECT_EQ(Count(markdown, "\n|---|---:|\n"), 2U);
  EXPECT_EQ(Count(markdown, "Made with:\n\n    "), 1U);
  // A section with nothing else has no heading either.
  auto& blocks = document.sections[0].blocks;
  std::erase_if(blocks,
                [](const Block& block) { return !std::holds_alternative<Appendix>(block); });
  document.sections[0].title = "Figures";
  EXPECT_EQ(Count(FormatMarkdown(document), "Figures"), 0U);
}

}  // namespace
}  // namespace inlay::page
