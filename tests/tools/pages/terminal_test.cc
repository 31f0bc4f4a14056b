// The writer for terminals: width, alignment, colours, and texts with control sequences.

#include "tools/pages/document/terminal.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tools/pages/numbers/printable.h"

namespace inlay::page {
namespace {

Document With(Block block) {
  Document document;
  document.sections.push_back({.id = "a", .title = "", .blocks = {std::move(block)}});
  return document;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Table Layouts() {
  Table table;
  table.columns = {{"layout", false}, {"bytes per socket"}, {"a socket holds", false}};
  table.rows = {{.cells = {"pointer", "393", "a pointer to its storage, which points to it"}},
                {.cells = {"index", "2.13", "an index of the one copy"}},
                {.cells = {"none", "", ""}}};
  return table;
}

TEST(TerminalTest, TheVerdictComesFirstThenSectionsThenTheFooter) {
  Document document;
  document.subtitle = "TSV, 3 records.";
  document.verdict = {Text().Good("Yes: ").Plain("3x."), "More."};
  document.sections = {{.id = "s", .title = "Title", .blocks = {Paragraph{"Words."}}}};
  document.footer = "End.";
  EXPECT_EQ(FormatTerminal(document, {}),
            "TSV, 3 records.\n\nYes: 3x.\nMore.\n\nTitle\n-----\nWords.\n\nEnd.\n");
}

TEST(TerminalTest, TablesAreAlignedAndBreakWhereTheyAreTooWide) {
  const Document document = With(Figure{.title = "Memory", .table = Layouts()});
  EXPECT_EQ(FormatTerminal(document, {}),
            "Memory\n"
            "  layout   bytes per socket  a socket holds\n"
            "  pointer               393  a pointer to its storage, which points to it\n"
            "  index                2.13  an index of the one copy\n"
            "  none\n");
  EXPECT_EQ(FormatTerminal(document, {.columns = 65}),
            "Memory\n"
            "  layout    bytes  a socket holds\n"
            "              per\n"
            "           socket\n"
            "  pointer     393  a pointer to its storage, which points to it\n"
            "  index      2.13  an index of the one copy\n"
            "  none\n");
  EXPECT_EQ(FormatTerminal(document, {.columns = 48}),
            "Memory\n"
            "  layout    bytes  a socket holds\n"
            "              per\n"
            "           socket\n"
            "  pointer     393  a pointer to its storage,\n"
            "                   which points to it\n"
            "  index      2.13  an index of the one copy\n"
            "  none\n");
}

TEST(TerminalTest, NoLineIsLongerThanTheTerminal) {
  std::string words;
  for (size_t i = 0; i < 200; ++i) words += std::string(1 + i % 9, 'w') + " ";
  Document document;
  document.subtitle = words;
  document.verdict = {Text::OfStrong(words).Bad(words)};
  document.footer = words;
  Table table = Layouts();
  table.rows.push_back({.cells = {words, "1", words}});
  document.sections = {
      {.id = "s",
       .title = "Title",
       .blocks = {Paragraph{words}, BulletList{{words, words}}, Facts{{{"term", words}}},
                  Subheading{"Sub"}, Figure{.title = words, .table = table, .notes = {words}}}}};
  for (const size_t columns : {60U, 80U, 120U}) {
    for (const std::string& line : Lines(FormatTerminal(document, {.columns = columns}))) {
      EXPECT_LE(numbers::DisplayWidth(line), columns) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

TEST(TerminalTest, ColoursAddEscapeSequencesAndNothingElse) {
  Document document = With(Figure{.title = "Memory", .table = Layouts()});
  document.verdict = {Text().Good("Yes: ").Plain("it is ").Strong("3 bits").Bad(" no")};
  const std::string plain = FormatTerminal(document, {});
  std::string coloured = FormatTerminal(document, {.columns = 80, .colours = true});
  EXPECT_NE(coloured.find("\x1B[1;32mYes:\x1B[0m it is \x1B[1m3\x1B[0m"), std::string::npos);
  EXPECT_EQ(plain.find('\x1B'), std::string::npos);
  for (size_t at = 0; (at = coloured.find('\x1B', at)) != std::string::npos;) {
    coloured.erase(at, coloured.find('m', at) + 1 - at);
  }
  EXPECT_EQ(coloured, plain);
}

TEST(TerminalTest, NoTextReachesTheTerminalAsAnEscapeSequence) {
  const std::string hostile = "a\x1B[2Jb\nc\x9B\xFF";
  Table table;
  table.columns = {{hostile, false}};
  table.rows = {{.cells = {Text::OfCode(hostile)}}};
  Document document;
  document.subtitle = document.footer = hostile;
  document.verdict = {hostile};
  document.sections = {
      {.id = "s",
       .title = hostile,
       .blocks = {
           Paragraph{hostile}, BulletList{{hostile}}, Facts{{{hostile, hostile}}},
           Subheading{hostile}, CodeBlock{.title = hostile, .code = hostile},
           Tiles{{{.figure = hostile, .unit = hostile, .note = hostile}}},
           Figure{.title = hostile, .table = table, .notes = {hostile}, .commands = {hostile}}}}};
  const std::string text = FormatTerminal(document, {});
  for (const char c : text) {
    EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << static_cast<int>(c);
  }
  EXPECT_NE(text.find("a\\x1B[2Jb"), std::string::npos);
}

TEST(TerminalTest, CodeKeepsItsLines) {
  const std::string text = FormatTerminal(
      With(CodeBlock{.title = "As C", .code = "struct a {\n\tint b;\n};\n"}), {.columns = 10});
  EXPECT_EQ(text, "As C\n  struct a {\n  \tint b;\n  };\n");
}

TEST(TerminalTest, ChartsAndTheirNotesAreLeftOut) {
  const std::string text = FormatTerminal(
      With(Figure{.title = "T", .table = Layouts(), .chart_notes = {"Red: the spoilers."}}), {});
  EXPECT_EQ(text.find("Red"), std::string::npos);
}

}  // namespace
}  // namespace inlay::page
