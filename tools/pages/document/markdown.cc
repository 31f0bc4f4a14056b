#include "tools/pages/document/markdown.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::page {
namespace {

std::string Printable(std::string_view text) {
  return numbers::Printable(text, std::numeric_limits<size_t>::max());
}

// Puts backslashes before characters that are markup in Markdown, or in HTML within it.
std::string MarkdownEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    if (std::string_view("\\`*[]<>|#").find(c) != std::string_view::npos) escaped += '\\';
    // An underscore between letters is plain text.
    escaped += c;
  }
  return escaped;
}

// A code span: its fence is longer than any row of backticks in it; a bar would end a table's cell.
std::string Code(std::string_view text) {
  std::string code = Printable(text);
  size_t longest = 0;
  size_t row = 0;
  for (const char c : code) {
    row = c == '`' ? row + 1 : 0;
    longest = std::max(longest, row);
  }
  for (size_t at = 0; (at = code.find('|', at)) != std::string::npos; at += 2)
    code.insert(at, "\\");
  const std::string fence(longest + 1, '`');
  const std::string space = longest > 0 ? " " : "";
  return fence + space + code + space + fence;
}

std::string Write(const Paragraph& paragraph) { return FormatMarkdown(paragraph.text) + "\n\n"; }

std::string Write(const BulletList& list) {
  std::string markdown;
  for (const Text& item : list.items) absl::StrAppend(&markdown, "- ", FormatMarkdown(item), "\n");
  return markdown + "\n";
}

std::string Write(const Facts& facts) {
  std::string markdown = "| | |\n|---|---|\n";
  for (const auto& [term, said] : facts.facts) {
    absl::StrAppend(&markdown, "| ", FormatMarkdown(term), " | ", FormatMarkdown(said), " |\n");
  }
  return markdown + "\n";
}

std::string Write(const Tiles& tiles) {
  std::string markdown;
  for (const Tiles::Tile& tile : tiles.tiles) {
    const std::string figure = tile.unit.empty() ? tile.figure : tile.figure + " " + tile.unit;
    absl::StrAppend(&markdown, "- **", MarkdownEscaped(figure), "** ", FormatMarkdown(tile.note),
                    "\n");
  }
  return markdown + "\n";
}

std::string Write(const Subheading& subheading) {
  return "### " + MarkdownEscaped(subheading.title) + "\n\n";
}

// A fence is longer than any row of backticks in the code.
std::string Write(const CodeBlock& block) {
  size_t longest = 2;
  size_t row = 0;
  for (const char c : block.code) {
    row = c == '`' ? row + 1 : 0;
    longest = std::max(longest, row);
  }
  const std::string fence(longest + 1, '`');
  std::string markdown = absl::StrCat("**", MarkdownEscaped(block.title), "**\n\n", fence, "\n");
  for (const absl::string_view line : absl::StrSplit(block.code, '\n')) {
    absl::StrAppend(&markdown, Printable(std::string(line)), "\n");
  }
  return absl::StrCat(markdown, fence, "\n\n");
}

std::string Write(const Figure& figure) {
  std::string markdown = absl::StrCat("**", MarkdownEscaped(figure.title), "**\n\n",
                                      FormatMarkdown(figure.table), "\n");
  for (const Text& note : figure.notes) absl::StrAppend(&markdown, FormatMarkdown(note), "\n\n");
  if (!figure.commands.empty()) {
    markdown += "Made with:\n\n";
    for (const std::string& command : figure.commands) {
      absl::StrAppend(&markdown, "    ", Printable(command), "\n");
    }
    markdown += "\n";
  }
  return markdown;
}

std::string Write(const Appendix&) { return ""; }

std::string Write(const Section& section) {
  std::string markdown;
  for (const Block& block : section.blocks) {
    markdown += std::visit([](const auto& content) { return Write(content); }, block);
  }
  // A section with appendices only is empty here.
  return markdown.empty() ? "" : "## " + MarkdownEscaped(section.title) + "\n\n" + markdown;
}

}  // namespace

std::string FormatMarkdown(const Text& text) {
  std::string markdown;
  for (const Text::Span& span : text.spans()) {
    switch (span.kind) {
      case Text::Kind::kPlain:
      case Text::Kind::kGood:
        markdown += MarkdownEscaped(span.text);
        break;
      case Text::Kind::kCode:
        markdown += Code(span.text);
        break;
      case Text::Kind::kStrong:
      case Text::Kind::kBad:
        absl::StrAppend(&markdown, "**", MarkdownEscaped(span.text), "**");
        break;
    }
  }
  return markdown;
}

std::string FormatMarkdown(const Table& table) {
  std::string markdown = "|";
  for (const Table::Column& column : table.columns) {
    absl::StrAppend(&markdown, " ", FormatMarkdown(column.title), " |");
  }
  markdown += "\n|";
  for (const Table::Column& column : table.columns) markdown += column.number ? "---:|" : "---|";
  markdown += "\n";
  for (const Table::Row& row : table.rows) {
    markdown += "|";
    for (const Text& cell : row.cells) absl::StrAppend(&markdown, " ", FormatMarkdown(cell), " |");
    markdown += "\n";
  }
  return markdown;
}

std::string FormatMarkdown(const Document& document) {
  std::string markdown = absl::StrCat("# ", MarkdownEscaped(document.title), "\n\n",
                                      MarkdownEscaped(document.subtitle), "\n\n");
  for (const Text& text : document.verdict) {
    absl::StrAppend(&markdown, FormatMarkdown(text), "\n\n");
  }
  for (const Section& section : document.sections) markdown += Write(section);
  return markdown + MarkdownEscaped(document.footer) + "\n";
}

}  // namespace inlay::page
