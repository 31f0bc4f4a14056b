// Document: the content of a page, without its format. html_page.h, markdown.h and terminal.h write
// it.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_DOCUMENT_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_DOCUMENT_H_

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tools/pages/document/chart.h"
#include "tools/pages/document/series_style.h"
#include "tools/pages/document/text.h"

namespace inlay::page {

struct Paragraph {
  Text text;
};

struct BulletList {
  std::vector<Text> items;
};

// Terms with their descriptions: the context of a run, a glossary.
struct Facts {
  std::vector<std::pair<Text, Text>> facts;
};

// A few large figures.
struct Tiles {
  struct Tile {
    std::string figure;
    std::string unit;
    Text note;
  };
  std::vector<Tile> tiles;
};

struct Subheading {
  std::string title;
};

struct Table {
  struct Column {
    Text title;
    bool number = true;  // aligned to the right
  };
  struct Row {
    std::string series = {};       // shown as a mark of its colour; empty: none
    std::vector<Text> cells = {};  // as many as columns
  };
  std::vector<Column> columns;
  std::vector<Row> rows;
  bool empty() const { return rows.empty(); }
};

// Source code to copy.
struct CodeBlock {
  std::string title;
  std::string code;  // lines
};

// A table, its chart if it has one, and the commands that made it. A page never shows figures
// without their commands.
struct Figure {
  std::string title;
  std::optional<Chart> chart = std::nullopt;
  Table table = {};
  std::vector<Text> notes = {};
  std::vector<Text> chart_notes = {};  // on details of the chart; formats without charts omit them
  std::vector<std::string> commands = {};
};

// A long table for reference: HTML folds it, and Markdown omits it.
struct Appendix {
  std::string title;
  Table table = {};
};

using Block =
    std::variant<Paragraph, BulletList, Facts, Tiles, Subheading, CodeBlock, Figure, Appendix>;

struct Section {
  std::string id;  // the anchor: lower case letters and dashes
  std::string title;
  std::vector<Block> blocks = {};
};

struct Document {
  std::string title;
  std::string subtitle;
  std::vector<Section> sections;
  std::string footer;
  std::vector<Text> verdict = {};  // paragraphs at the top, for readers who stop there
  SeriesStyles styles = {};
};

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_DOCUMENT_H_
