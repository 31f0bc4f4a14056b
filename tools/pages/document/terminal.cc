#include "tools/pages/document/terminal.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::page {
namespace {

constexpr char kBold[] = "\x1B[1m";
constexpr char kGreen[] = "\x1B[1;32m";
constexpr char kRed[] = "\x1B[1;31m";
constexpr char kReset[] = "\x1B[0m";
// The least width of a text column when a table must fit the lines.
constexpr size_t kMinTextColumns = 24;
constexpr size_t kColumnGap = 2;

std::string Clean(std::string_view text) {
  const std::string printable = numbers::Printable(text, std::numeric_limits<size_t>::max());
  // The space that keeps a number and its unit on one line of a page becomes a blank here.
  return absl::StrReplaceAll(printable, {{"\u00a0", " "}});
}

// A piece of text that no line breaks, with the blanks before it.
struct Word {
  std::string text;
  const char* style = "";
  size_t blanks = 0;  // before it, at most one if it starts a line
};

const char* StyleOf(Text::Kind kind) {
  switch (kind) {
    case Text::Kind::kPlain:
    case Text::Kind::kCode:
      return "";
    case Text::Kind::kStrong:
      return kBold;
    case Text::Kind::kGood:
      return kGreen;
    case Text::Kind::kBad:
      return kRed;
  }
  return "";
}

std::vector<Word> WordsOf(const Text& text) {
  std::vector<Word> words;
  size_t blanks = 0;
  for (const Text::Span& span : text.spans()) {
    const std::string clean = numbers::Printable(span.text, std::numeric_limits<size_t>::max());
    for (size_t at = 0; at < clean.size();) {
      const size_t end = std::min(clean.find(' ', at), clean.size());
      if (end > at) {
        const std::string part = Clean(clean.substr(at, end - at));
        // A word whose parts have different styles stays one word.
        words.push_back({part, StyleOf(span.kind), words.empty() ? 0 : blanks});
        blanks = 0;
      }
      if (end < clean.size()) ++blanks;
      at = end + 1;
    }
  }
  return words;
}

class Writer {
 public:
  explicit Writer(const TerminalFormat& format) : format_(format) {}

  std::string Styled(const std::string& text, const char* style) const {
    if (!format_.colours || *style == '\0' || text.empty()) return text;
    return absl::StrCat(style, text, kReset);
  }

  // Text in lines of at most `columns`.
  std::vector<std::string> Lines(const Text& text, size_t columns) const {
    const std::vector<Word> words = WordsOf(text);
    std::vector<std::string> lines;
    std::string line;
    size_t width = 0;
    for (size_t i = 0; i < words.size();) {
      // Parts without a blank between them belong to one word.
      size_t end = i + 1;
      while (end < words.size() && words[end].blanks == 0) ++end;
      size_t word_width = 0;
      for (size_t k = i; k < end; ++k) word_width += numbers::DisplayWidth(words[k].text);
      const size_t blanks = width == 0 ? 0 : words[i].blanks;
      if (width > 0 && width + blanks + word_width > columns) {
        lines.push_back(std::move(line));
        line.clear();
        width = 0;
      } else {
        line.append(blanks, ' ');
        width += blanks;
      }
      for (; i < end; ++i) line += Styled(words[i].text, words[i].style);
      width += word_width;
    }
    lines.push_back(std::move(line));
    return lines;
  }

  // Text in lines that start with `first`, then with as many blanks.
  std::string Wrapped(const Text& text, const std::string& first) const {
    const size_t indent = numbers::DisplayWidth(first);
    std::string result;
    for (const std::string& line :
         Lines(text, format_.columns - std::min(indent, format_.columns))) {
      absl::StrAppend(&result, result.empty() ? first : std::string(indent, ' '), line, "\n");
    }
    return result;
  }

  std::string Write(const Paragraph& paragraph) const { return Wrapped(paragraph.text, "") + "\n"; }

  std::string Write(const BulletList& list) const {
    std::string text;
    for (const Text& item : list.items) text += Wrapped(item, "  - ");
    return text + "\n";
  }

  std::string Write(const Facts& facts) const {
    std::string text;
    for (const auto& [term, said] : facts.facts) {
      text += Wrapped(Text(term).Plain(": ").Append(said), "  ");
    }
    return text + "\n";
  }

  std::string Write(const Tiles& tiles) const {
    std::string text;
    for (const Tiles::Tile& tile : tiles.tiles) {
      Text line = Text::OfStrong(tile.unit.empty() ? tile.figure : tile.figure + " " + tile.unit);
      text += Wrapped(line.Plain(": ").Append(tile.note), "  ");
    }
    return text + "\n";
  }

  std::string Write(const Subheading& subheading) const {
    return Styled(Clean(subheading.title), kBold) + "\n";
  }

  std::string Write(const CodeBlock& block) const {
    std::string text = Clean(block.title) + "\n";
    const absl::string_view code = absl::StripTrailingAsciiWhitespace(block.code);
    for (const absl::string_view line : absl::StrSplit(code, '\n')) {
      const std::string clean = Clean(std::string_view(line.data(), line.size()));
      absl::StrAppend(&text, clean.empty() ? "" : "  ", clean, "\n");
    }
    return text + "\n";
  }

  std::string Write(const Figure& figure) const {
    std::string text = figure.title.empty() ? "" : Wrapped(Text::OfStrong(figure.title), "");
    text += Write(figure.table);
    for (const Text& note : figure.notes) text += Wrapped(note, "  ");
    if (!figure.commands.empty()) text += "  Made with:\n";
    for (const std::string& command : figure.commands) text += "    " + Clean(command) + "\n";
    return text + "\n";
  }

  static std::string Write(const Appendix&) { return ""; }

  std::string Write(const Table& table) const {
    const std::vector<size_t> widths = ColumnWidths(table);
    std::vector<Text> titles;
    for (const Table::Column& column : table.columns) titles.push_back(column.title);
    std::string text = WriteRow(titles, table.columns, widths);
    for (const Table::Row& row : table.rows) text += WriteRow(row.cells, table.columns, widths);
    return text;
  }

  std::string Write(const Section& section) const {
    std::string text;
    for (const Block& block : section.blocks) {
      text += std::visit([this](const auto& content) { return this->Write(content); }, block);
    }
    if (text.empty() || section.title.empty()) return text;
    return absl::StrCat(Styled(Clean(section.title), kBold), "\n",
                        std::string(numbers::DisplayWidth(Clean(section.title)), '-'), "\n", text);
  }

 private:
  static size_t Width(const Text& text) { return numbers::DisplayWidth(Clean(text.Words())); }

  static size_t LongestWord(const Text& text) {
    size_t longest = 0;
    for (const Word& word : WordsOf(text)) {
      longest = std::max(longest, numbers::DisplayWidth(word.text));
    }
    return longest;
  }

  // If a table is too wide, columns of numbers first break their titles. Then columns of text
  // shrink, the widest first.
  std::vector<size_t> ColumnWidths(const Table& table) const {
    std::vector<size_t> widths;
    std::vector<size_t> narrow;  // with broken titles
    size_t total = 0;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const Table::Column& column = table.columns[i];
      size_t cells = 0;
      for (const Table::Row& row : table.rows) {
        if (i < row.cells.size()) cells = std::max(cells, Width(row.cells[i]));
      }
      widths.push_back(std::max(cells, Width(column.title)));
      narrow.push_back(column.number ? std::max(cells, LongestWord(column.title)) : widths.back());
      total += widths.back() + kColumnGap;
    }
    if (total > format_.columns) {
      widths = narrow;
      total = kColumnGap * widths.size();
      for (const size_t width : widths) total += width;
    }
    while (total > format_.columns) {
      size_t widest = widths.size();
      for (size_t i = 0; i < widths.size(); ++i) {
        if (table.columns[i].number || widths[i] <= kMinTextColumns) continue;
        if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
      }
      if (widest == widths.size()) break;
      --widths[widest];
      --total;
    }
    return widths;
  }

  std::string WriteRow(const std::vector<Text>& cells, const std::vector<Table::Column>& columns,
                       const std::vector<size_t>& widths) const {
    std::vector<std::vector<std::string>> lines;
    size_t height = 0;
    for (size_t i = 0; i < cells.size() && i < columns.size(); ++i) {
      lines.push_back(Lines(cells[i], widths[i]));
      height = std::max(height, lines.back().size());
    }
    std::string text;
    for (size_t k = 0; k < height; ++k) {
      std::string line;
      size_t blanks = 0;
      for (size_t i = 0; i < lines.size(); ++i) {
        const std::string cell = k < lines[i].size() ? lines[i][k] : "";
        const size_t width = PlainWidth(cell);
        const size_t padding = widths[i] - std::min(width, widths[i]);
        blanks += kColumnGap;
        if (columns[i].number) blanks += padding;
        if (width > 0) {
          line.append(blanks, ' ');
          line += cell;
          blanks = 0;
        } else {
          blanks += width;
        }
        if (!columns[i].number) blanks += padding;
      }
      absl::StrAppend(&text, line, "\n");
    }
    return text;
  }

  // The width without escape sequences.
  static size_t PlainWidth(const std::string& line) {
    size_t width = numbers::DisplayWidth(line);
    for (size_t at = 0; (at = line.find('\x1B', at)) != std::string::npos;) {
      const size_t end = line.find('m', at);
      width -= end + 1 - at;
      at = end;
    }
    return width;
  }

  TerminalFormat format_;
};

}  // namespace

std::string FormatTerminal(const Document& document, const TerminalFormat& format) {
  const Writer writer(format);
  std::string text;
  if (!document.subtitle.empty()) text += writer.Wrapped(document.subtitle, "") + "\n";
  for (const Text& paragraph : document.verdict) text += writer.Wrapped(paragraph, "");
  if (!document.verdict.empty()) text += "\n";
  for (const Section& section : document.sections) text += writer.Write(section);
  if (!document.footer.empty()) text += writer.Wrapped(document.footer, "");
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace inlay::page
