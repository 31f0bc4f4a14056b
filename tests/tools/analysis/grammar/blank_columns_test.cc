#include "tools/analysis/grammar/blank_columns.h"

#include <gtest/gtest.h>

#include <string>

namespace inlay::analysis {
namespace {

std::string Collapsed(std::string text) {
  text.resize(CollapseBlanks({reinterpret_cast<uint8_t*>(text.data()), text.size()}));
  return text;
}

TEST(BlankColumnsTest, RunsBecomeOneSpace) {
  EXPECT_EQ(Collapsed("a  b\t\tc \t d\n"), "a b c d\n");
  EXPECT_EQ(Collapsed("  a b  \n\tc  d"), "a b\nc d");
  EXPECT_EQ(Collapsed("a b \r\nc\r\n"), "a b\r\nc\r\n");
  EXPECT_EQ(Collapsed("  \n\n \r\na"), "\n\n\r\na") << "lines stay lines";
  EXPECT_EQ(Collapsed("a \rb"), "a \rb") << "no line end";
  EXPECT_EQ(Collapsed(""), "");
  EXPECT_EQ(Collapsed("   "), "");
}

}  // namespace
}  // namespace inlay::analysis
