#include "tools/pages/numbers/shown_numbers.h"

#include <gtest/gtest.h>

namespace inlay::analysis {
namespace {

TEST(ShownNumbersTest, ThousandsAreGrouped) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(18446744073709551615U), "18,446,744,073,709,551,615");
  EXPECT_EQ(GroupedDecimal(1234.567, 2), "1,234.57");
  EXPECT_EQ(GroupedDecimal(0, 2), "0.00");
  EXPECT_EQ(GroupedDecimal(1e3, 0), "1,000");
}

TEST(ShownNumbersTest, PercentNeverRoundsToNothingOrAll) {
  EXPECT_EQ(Percent(0, 7), "0.0 %");
  EXPECT_EQ(Percent(7, 7), "100.0 %");
  EXPECT_EQ(Percent(1, 3), "33.3 %");
  EXPECT_EQ(Percent(1, 10'000), "< 0.1 %");
  EXPECT_EQ(Percent(9'999, 10'000), "> 99.9 %");
}

TEST(ShownNumbersTest, BytesHaveBinaryUnits) {
  EXPECT_EQ(ByteSize(0), "0 B");
  EXPECT_EQ(ByteSize(1023), "1023 B");
  EXPECT_EQ(ByteSize(1024), "1.0 KiB");
  EXPECT_EQ(ByteSize(1536), "1.5 KiB");
  EXPECT_EQ(ByteSize((1U << 20) - 1), "1.0 MiB");
  EXPECT_EQ(ByteSize(18446744073709551615U), "16.0 EiB");
}

TEST(ShownNumbersTest, ValuesCannotHarmATerminal) {
  EXPECT_EQ(Printable("a\tb", 10), "a\tb");
  EXPECT_EQ(Printable("a\x1B[2J\n", 10), "a\\x1B[2J\\x0A");
  EXPECT_EQ(Printable("\xC3\xA9\xFF\xC3", 10), "\xC3\xA9\\xFF\\xC3");
  EXPECT_EQ(Printable("\xC2\x9B", 10), "\\xC2\\x9B");
  EXPECT_EQ(Printable("\xED\xA0\x80", 10), "\\xED\\xA0\\x80") << "a surrogate is no character";
  EXPECT_EQ(Printable("12345678", 8), "12345678");
  EXPECT_EQ(Printable("123456789", 8), "12345678... (+1 bytes)");
  EXPECT_EQ(Printable("1234567\xC3\xA9", 8), "1234567... (+2 bytes)") << "no half characters";
  EXPECT_EQ(ShownWidth("\xC3\xA9x"), 2U);
}

}  // namespace
}  // namespace inlay::analysis
