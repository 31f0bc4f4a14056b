#include "tools/pages/document/html_page.h"

#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tools/pages/document/bar_chart.h"
#include "tools/pages/document/drawing.h"
#include "tools/pages/document/escape.h"
#include "tools/pages/document/line_chart.h"
#include "tools/pages/document/style_sheet.h"

namespace inlay::page {
namespace {

// Code that may break behind the separators of its words.
std::string BreakableCode(const std::string& code) {
  std::string html;
  for (const char c : Escaped(code)) {
    html += c;
    if (c == '/' || c == '=') html += "<wbr/>";
  }
  return "<code>" + html + "</code>";
}

std::string Html(const Text& text) {
  std::string html;
  for (const Text::Span& span : text.spans()) {
    switch (span.kind) {
      case Text::Kind::kPlain:
        html += Escaped(span.text);
        break;
      case Text::Kind::kCode:
        html += BreakableCode(span.text);
        break;
      case Text::Kind::kStrong:
        absl::StrAppend(&html, "<strong>", Escaped(span.text), "</strong>");
        break;
      case Text::Kind::kGood:
        absl::StrAppend(&html, "<span class=\"good\">", Escaped(span.text), "</span>");
        break;
      case Text::Kind::kBad:
        absl::StrAppend(&html, "<span class=\"bad\">", Escaped(span.text), "</span>");
        break;
    }
  }
  return html;
}

std::string Html(const Table& table, const std::string& name, const SeriesStyles& styles) {
  // Content wider than the page scrolls by itself, also by keyboard.
  std::string html =
      absl::StrCat("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"",
                   Escaped(name), "\">\n<table>\n<thead><tr>");
  for (const Table::Column& column : table.columns) {
    absl::StrAppend(&html, "<th scope=\"col\"", column.number ? " class=\"number\"" : "", ">",
                    Html(column.title), "</th>");
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const Table::Row& row : table.rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const std::string content = Html(row.cells[i]);
      if (i == 0) {
        const std::string key = row.series.empty() ? "" : SeriesKey(row.series, Key::kMark, styles);
        absl::StrAppend(&html,
                        key.empty() ? "<th scope=\"row\">" : "<th scope=\"row\" class=\"keyed\">",
                        key, content, "</th>");
        continue;
      }
      const bool number = i < table.columns.size() && table.columns[i].number;
      absl::StrAppend(&html, number ? "<td class=\"number\">" : "<td>", content, "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table>\n</div>\n";
}

std::string Html(const BarChart& chart, const SeriesStyles& styles) {
  std::string legend;
  if (chart.thin && !chart.groups.empty()) {
    legend = "<ul class=\"legend always\">";
    for (const BarChart::Bar& bar : chart.groups.front().bars) {
      absl::StrAppend(&legend, "<li>", SeriesKey(bar.series, Key::kBar, styles), Escaped(bar.label),
                      "</li>");
    }
    legend += "</ul>\n";
  }
  return legend + DrawBarChart(chart, kWideWidth, styles) +
         DrawBarChart(chart, kNarrowWidth, styles);
}

std::string Html(const LineChart& chart, const SeriesStyles& styles) {
  std::string legend = "<ul class=\"legend\">";
  for (const LineChart::Line& line : chart.lines) {
    absl::StrAppend(&legend, "<li>",
                    SeriesKey(line.series, line.computed ? Key::kCurve : Key::kLine, styles),
                    Escaped(line.label), "</li>");
  }
  for (const LineChart::Band& band : chart.bands) {
    absl::StrAppend(&legend, "<li>", SeriesKey(band.series, Key::kArea, styles),
                    Escaped(band.label), "</li>");
  }
  return legend + "</ul>\n" + DrawLineChart(chart, kWideWidth, styles) +
         DrawLineChart(chart, kNarrowWidth, styles);
}

std::string Html(const Paragraph& paragraph, const SeriesStyles&) {
  return "<p>" + Html(paragraph.text) + "</p>\n";
}

std::string Html(const BulletList& list, const SeriesStyles&) {
  std::string html = "<ul>\n";
  for (const Text& item : list.items) absl::StrAppend(&html, "<li>", Html(item), "</li>\n");
  return html + "</ul>\n";
}

std::string Html(const Facts& facts, const SeriesStyles&) {
  std::string html = "<dl>\n";
  for (const auto& [term, said] : facts.facts) {
    absl::StrAppend(&html, "<dt>", Html(term), "</dt><dd>", Html(said), "</dd>\n");
  }
  return html + "</dl>\n";
}

std::string Html(const Tiles& tiles, const SeriesStyles&) {
  std::string html = "<ul class=\"tiles\">\n";
  for (const Tiles::Tile& tile : tiles.tiles) {
    absl::StrAppend(&html, "<li><span class=\"figure\">", Escaped(tile.figure), "</span>");
    if (!tile.unit.empty()) {
      absl::StrAppend(&html, " <span class=\"unit\">", Escaped(tile.unit), "</span>");
    }
    absl::StrAppend(&html, "<span class=\"note\">", Html(tile.note), "</span></li>\n");
  }
  return html + "</ul>\n";
}

std::string Html(const Subheading& subheading, const SeriesStyles&) {
  return "<h3>" + Escaped(subheading.title) + "</h3>\n";
}

std::string Html(const CodeBlock& block, const SeriesStyles&) {
  std::string html =
      absl::StrCat("<figure class=\"code\">\n<figcaption>", Escaped(block.title),
                   "</figcaption>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
                   "aria-label=\"",
                   Escaped(block.title), "\">\n<pre><code>");
  for (const absl::string_view line : absl::StrSplit(block.code, '\n')) {
    absl::StrAppend(&html, Escaped(std::string(line)), "\n");
  }
  return html + "</code></pre>\n</div>\n</figure>\n";
}

std::string Html(const Figure& figure, const SeriesStyles& styles) {
  std::string html =
      absl::StrCat("<figure>\n<figcaption>", Escaped(figure.title), "</figcaption>\n");
  if (figure.chart.has_value()) {
    html += std::visit([&styles](const auto& chart) { return Html(chart, styles); }, *figure.chart);
  }
  for (const Text& note : figure.chart_notes) {
    absl::StrAppend(&html, "<p class=\"aside\">", Html(note), "</p>\n");
  }
  html += Html(figure.table, figure.title, styles);
  for (const Text& note : figure.notes) {
    absl::StrAppend(&html, "<p class=\"aside\">", Html(note), "</p>\n");
  }
  if (!figure.commands.empty()) {
    html += "<details><summary>Made with</summary>\n<pre><code>";
    for (const std::string& command : figure.commands) html += Escaped(command) + "\n";
    html += "</code></pre></details>\n";
  }
  return html + "</figure>\n";
}

std::string Html(const Appendix& appendix, const SeriesStyles& styles) {
  return "<details class=\"appendix\"><summary>" + Escaped(appendix.title) + "</summary>\n" +
         Html(appendix.table, appendix.title, styles) + "</details>\n";
}

std::string Html(const Section& section, const SeriesStyles& styles) {
  std::string html = absl::StrCat("<section id=\"", Escaped(section.id), "\">\n<h2>",
                                  Escaped(section.title), "</h2>\n");
  for (const Block& block : section.blocks) {
    html += std::visit([&styles](const auto& content) { return Html(content, styles); }, block);
  }
  return html + "</section>\n";
}

}  // namespace

std::string FormatHtml(const Document& document) {
  std::string html = absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
      Escaped(document.title), "</title>\n<style>\n", StyleSheet(document.styles),
      "</style>\n</head>\n<body>\n<div class=\"frame\">\n<header>\n<h1>", Escaped(document.title),
      "</h1>\n<p class=\"subtitle\">", Escaped(document.subtitle), "</p>\n");
  if (!document.verdict.empty()) {
    html += "<div class=\"verdict\">\n";
    for (const Text& text : document.verdict) absl::StrAppend(&html, "<p>", Html(text), "</p>\n");
    html += "</div>\n";
  }
  html += "</header>\n<nav aria-label=\"Contents\"><div>\n<h2>Contents</h2>\n<ol>\n";
  for (const Section& section : document.sections) {
    absl::StrAppend(&html, "<li><a href=\"#", Escaped(section.id), "\">", Escaped(section.title),
                    "</a></li>\n");
  }
  html += "</ol>\n</div></nav>\n<main>\n";
  for (const Section& section : document.sections) html += Html(section, document.styles);
  absl::StrAppend(&html, "</main>\n<footer>", Escaped(document.footer),
                  "</footer>\n</div>\n</body>\n</html>\n");
  return html;
}

}  // namespace inlay::page
