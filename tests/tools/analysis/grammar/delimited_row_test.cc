#include "tools/analysis/grammar/delimited_row.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/tools/strings.h"

namespace inlay::analysis {
namespace {

std::vector<std::string> Texts(const std::string& row, const Dialect& dialect) {
  std::vector<RawCell> cells;
  EXPECT_EQ(SplitRow(row, dialect, &cells), RowError::kNone) << row;
  std::vector<std::string> texts;
  for (const RawCell& cell : cells) {
    AppendCellText(std::string_view(row).substr(cell.begin, cell.end - cell.begin), dialect,
                   &texts.emplace_back());
  }
  return texts;
}

TEST(DelimitedRowTest, SplitsPlainCells) {
  EXPECT_EQ(Texts("a,b,c", kCsvDialect), (Strings{"a", "b", "c"}));
  EXPECT_EQ(Texts(",,", kCsvDialect), (Strings{"", "", ""}));
  EXPECT_EQ(Texts("", kCsvDialect), (Strings{""}));
  EXPECT_EQ(Texts("a\t\"b\t", kTsvDialect), (Strings{"a", "\"b", ""}));
}

TEST(DelimitedRowTest, QuotesHideDelimitersNewlinesAndQuotes) {
  EXPECT_EQ(Texts(R"("a,b",c)", kCsvDialect), (Strings{"a,b", "c"}));
  EXPECT_EQ(Texts("\"a\nb\",c", kCsvDialect), (Strings{"a\nb", "c"}));
  EXPECT_EQ(Texts(R"("say ""hi""","")", kCsvDialect), (Strings{R"(say "hi")", ""}));
  EXPECT_EQ(Texts(R"(5" pipe,x)", kCsvDialect), (Strings{"5\" pipe", "x"}));
}

TEST(DelimitedRowTest, BrokenQuotesAreErrors) {
  std::vector<RawCell> cells;
  EXPECT_EQ(SplitRow(R"("a"b,c)", kCsvDialect, &cells), RowError::kTextAfterQuote);
  EXPECT_EQ(SplitRow(R"(x,"a)", kCsvDialect, &cells), RowError::kOpenQuote);
  EXPECT_EQ(SplitRow(R"("a"")", kCsvDialect, &cells), RowError::kOpenQuote);
}

TEST(DelimitedRowTest, RecordsEndAtNewlinesOutsideQuotes) {
  const std::string text = "a,\"x\ny\"\r\nb,c\n";
  EXPECT_EQ(FindRecordEnd(text, 0, kCsvDialect), 9U);
  EXPECT_EQ(FindRecordEnd(text, 9, kCsvDialect), 13U);
  EXPECT_EQ(FindRecordEnd(text, 0, kTsvDialect), 5U);
  EXPECT_EQ(FindRecordEnd("a,b", 0, kCsvDialect), std::string_view::npos);
  EXPECT_EQ(FindRecordEnd("\"a\n", 0, kCsvDialect), std::string_view::npos);
  EXPECT_EQ(FindRecordEnd("a\"b\nc", 0, kCsvDialect), 4U) << "a quote inside a cell is text";
}

TEST(DelimitedRowTest, LineEndsAreCut) {
  EXPECT_EQ(WithoutLineEnd("a\n"), "a");
  EXPECT_EQ(WithoutLineEnd("a\r\n"), "a");
  EXPECT_EQ(WithoutLineEnd("a\r"), "a");
  EXPECT_EQ(WithoutLineEnd("a\r\r\n"), "a\r");
  EXPECT_EQ(WithoutLineEnd(""), "");
}

TEST(DelimitedRowTest, CanonicalFormIsTheSameHoweverTheCellWasQuoted) {
  EXPECT_EQ(CanonicalCell("plain", kCsvDialect), "plain");
  EXPECT_EQ(CanonicalCell("a,b", kCsvDialect), "\"a,b\"");
  EXPECT_EQ(CanonicalCell("a\"b", kCsvDialect), "\"a\"\"b\"");
  EXPECT_EQ(CanonicalCell("a\nb", kCsvDialect), "\"a\nb\"");
  EXPECT_EQ(CanonicalCell("a\"b,", kTsvDialect), "a\"b,");
  EXPECT_EQ(RowText("\"a,b\",\"c\"\"d\",e", kCsvDialect), "a,b,c\"d,e");
  EXPECT_EQ(RowText("\"a", kTsvDialect), "\"a");
}

// Any cells: their canonical row splits back into them, so that different cells never give equal
// bytes, and the whole-record scan agrees with the record-by-record scan.
TEST(DelimitedRowTest, CanonicalRowsAreInjective) {
  std::mt19937 random(20261122);
  const std::string alphabet = "ab,\"\n\r";
  for (int round = 0; round < 20000; ++round) {
    Strings cells(1 + random() % 4);
    std::string row;
    for (size_t i = 0; i < cells.size(); ++i) {
      for (size_t length = random() % 5; length > 0; --length) {
        cells[i] += alphabet[random() % alphabet.size()];
      }
      row += (i == 0 ? "" : ",") + CanonicalCell(cells[i], kCsvDialect);
    }
    ASSERT_EQ(Texts(row, kCsvDialect), cells) << row;
  }
}

TEST(DelimitedRowTest, WholeRecordsAreThoseThatEnd) {
  EXPECT_EQ(WholeRecordBytes("a\nb\nc", kCsvDialect), 4U);
  EXPECT_EQ(WholeRecordBytes("a\n\"b\nc", kCsvDialect), 2U);
  EXPECT_EQ(WholeRecordBytes("\"b\nc", kCsvDialect), 0U);
  EXPECT_EQ(WholeRecordBytes("\"b\nc", kTsvDialect), 3U);
  std::mt19937 random(20261122);
  const std::string alphabet = "a,\"\n";
  for (int round = 0; round < 50000; ++round) {
    std::string text;
    for (size_t length = random() % 24; length > 0; --length) {
      text += alphabet[random() % alphabet.size()];
    }
    size_t whole = 0;
    for (size_t end = 0;
         (end = FindRecordEnd(text, whole, kCsvDialect)) != std::string_view::npos;) {
      whole = end;
    }
    ASSERT_EQ(WholeRecordBytes(text, kCsvDialect), whole) << text;
  }
}

}  // namespace
}  // namespace inlay::analysis
