#include "tools/analysis/grammar/column_selection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace inlay::analysis {
namespace {

using Columns = std::vector<size_t>;

Columns Select(const std::string& selection, const std::vector<std::string>& header = {},
               size_t column_count = 9) {
  absl::StatusOr<Columns> columns = SelectColumns(selection, header, column_count);
  EXPECT_TRUE(columns.ok()) << columns.status();
  return columns.ok() ? *columns : Columns();
}

std::string Message(const std::string& selection, const std::vector<std::string>& header = {}) {
  absl::StatusOr<Columns> columns = SelectColumns(selection, header, 9);
  EXPECT_FALSE(columns.ok()) << selection;
  return std::string(columns.status().message());
}

TEST(ColumnSelectionTest, NumbersCountFromOneAndKeepTheirOrder) {
  EXPECT_EQ(Select("1"), (Columns{0}));
  EXPECT_EQ(Select("9,2"), (Columns{8, 1}));
  EXPECT_EQ(Select("3-5,9"), (Columns{2, 3, 4, 8}));
  EXPECT_EQ(Select("8-"), (Columns{7, 8}));
  EXPECT_EQ(Select("4-4"), (Columns{3}));
}

TEST(ColumnSelectionTest, NothingSelectsEverything) {
  EXPECT_EQ(Select("", {}, 3), (Columns{0, 1, 2}));
}

TEST(ColumnSelectionTest, NamesWinOverNumbers) {
  const std::vector<std::string> header = {"country", "3", "as-name", "x-9"};
  EXPECT_EQ(Select("as-name,country", header, 4), (Columns{2, 0}));
  EXPECT_EQ(Select("3", header, 4), (Columns{1}));
  EXPECT_EQ(Select("4", header, 4), (Columns{3}));
}

TEST(ColumnSelectionTest, OnlyNamesNeedAHeader) {
  EXPECT_FALSE(NeedsHeader(""));
  EXPECT_FALSE(NeedsHeader("1,3-5,7-"));
  EXPECT_TRUE(NeedsHeader("1,country"));
  EXPECT_TRUE(NeedsHeader("a-b"));
}

TEST(ColumnSelectionTest, EveryMistakeIsNamed) {
  EXPECT_EQ(Message("0"), "column '0' is out of range: columns count from 1");
  EXPECT_EQ(Message("0-3"), "column '0-3' is out of range: columns count from 1");
  EXPECT_EQ(Message("10"), "column '10' is out of range: the file has 9 columns");
  EXPECT_EQ(Message("3-10"), "column '3-10' is out of range: the file has 9 columns");
  EXPECT_EQ(Message("12-"), "column '12-' is out of range: the file has 9 columns");
  EXPECT_EQ(Message("5-3"), "column range '5-3' runs backwards");
  EXPECT_EQ(Message("5-0"), "column range '5-0' runs backwards");
  EXPECT_EQ(Message("2,1-3"), "column 2 is chosen twice, again by '1-3'");
  EXPECT_EQ(Message("1,,2"), "an empty item in the columns '1,,2'");
  EXPECT_EQ(Message("x"), "unknown column 'x': without a header, columns have only numbers");
  EXPECT_EQ(Message("x", {"a", "b"}),
            "unknown column 'x'; did you mean 'a' or 'b'? The header has: 'a', 'b'");
  EXPECT_EQ(Message("99999999999999999999", {"a"}),
            "unknown column '99999999999999999999'; the header has: 'a'");
}

// Only the user knows which of them is meant.
TEST(ColumnSelectionTest, ANameOfTwoColumnsIsRefused) {
  const std::vector<std::string> header = {"id", "port", "x\n", "port", "x\n"};
  const absl::StatusOr<std::vector<size_t>> port = SelectColumns("id,port", header, 5);
  EXPECT_EQ(std::string(port.status().message()),
            "the columns 2 and 4 are both called 'port': choose one by its number");
  EXPECT_EQ(std::string(SelectColumns("x\n", header, 5).status().message()),
            "the columns 3 and 5 are both called 'x\\x0A': choose one by its number");
  EXPECT_EQ(*SelectColumns("id,4", header, 5), (std::vector<size_t>{0, 3}));
}

}  // namespace
}  // namespace inlay::analysis
