#include "tools/pages/numbers/number_text.h"

#include <gtest/gtest.h>

#include "tools/pages/numbers/printable.h"

namespace inlay::numbers {
namespace {

TEST(NumberTextTest, ThousandsAreGrouped) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(18446744073709551615U), "18,446,744,073,709,551,615");
  EXPECT_EQ(GroupedDecimal(1234.567, 2), "1,234.57");
  EXPECT_EQ(GroupedDecimal(0, 2), "0.00");
  EXPECT_EQ(GroupedDecimal(1e3, 0), "1,000");
}

TEST(NumberTextTest, NegativeNumbersAreGroupedTooAndZeroHasNoSign) {
  EXPECT_EQ(GroupedDecimal(-1234.5, 1), "-1,234.5");
  EXPECT_EQ(GroupedDecimal(-0.04, 1), "0.0");
  EXPECT_EQ(GroupedSigned(-1000), "-1,000");
  EXPECT_EQ(GroupedSigned(INT64_MIN), "-9,223,372,036,854,775,808");
}

TEST(NumberTextTest, NumbersHaveTheDigitsTheyDeserve) {
  EXPECT_EQ(Nanoseconds(3.94), "3.9");
  EXPECT_EQ(Nanoseconds(9.96), "10");
  EXPECT_EQ(Nanoseconds(1271.6), "1,272");
  EXPECT_EQ(ThreeDigits(2.134), "2.13");
  EXPECT_EQ(ThreeDigits(48), "48.0");
  EXPECT_EQ(ThreeDigits(392.6), "393");
  EXPECT_EQ(PercentOf(0.0233), "2.3 %");
  EXPECT_EQ(PercentOf(1.05), "105 %");
  EXPECT_EQ(Times(5.31), "5.3 times");
  EXPECT_EQ(TimesSign(410.2), "410x");
  EXPECT_EQ(Ratio(0.0234), "0.023");
  EXPECT_EQ(LargeCount(1234), "1,234");
  EXPECT_EQ(LargeCount(1.5e20), "1.5e+20");
  EXPECT_EQ(CountOf(1, "field"), "1 field");
  EXPECT_EQ(CountOf(3000, "field"), "3,000 fields");
  EXPECT_EQ(Estimate(1234, 0), "1,234");
  EXPECT_EQ(Estimate(1234, 56), "1,234 \u00b1 56");
  EXPECT_EQ(BytesPerSocket(2.333), "2.33\u00a0B");
}

TEST(NumberTextTest, OnlyCertaintiesAreZeroOrAHundredPercent) {
  EXPECT_EQ(Probability(0), "0 %");
  EXPECT_EQ(Probability(1), "100 %");
  EXPECT_EQ(Probability(1e-9), "< 0.1 %");
  EXPECT_EQ(Probability(1 - 1e-9), "> 99.9 %");
  EXPECT_EQ(Probability(0.123), "12.3 %");
}

TEST(NumberTextTest, DatesAreCut) {
  EXPECT_EQ(Minute("2026-11-22T21:10:05+00:00"), "2026-11-22 21:10");
  EXPECT_EQ(Day("2026-11-22T21:10:05+00:00"), "2026-11-22");
  EXPECT_EQ(Minute("yesterday"), "yesterday");
}

TEST(NumberTextTest, PercentNeverRoundsToNothingOrAll) {
  EXPECT_EQ(Percent(0, 7), "0.0 %");
  EXPECT_EQ(Percent(7, 7), "100.0 %");
  EXPECT_EQ(Percent(1, 3), "33.3 %");
  EXPECT_EQ(Percent(1, 10'000), "< 0.1 %");
  EXPECT_EQ(Percent(9'999, 10'000), "> 99.9 %");
}

TEST(NumberTextTest, BytesHaveBinaryUnits) {
  EXPECT_EQ(ByteSize(0), "0 B");
  EXPECT_EQ(ByteSize(1023), "1023 B");
  EXPECT_EQ(ByteSize(1024), "1.0 KiB");
  EXPECT_EQ(ByteSize(1536), "1.5 KiB");
  EXPECT_EQ(ByteSize((1U << 20) - 1), "1.0 MiB");
  EXPECT_EQ(ByteSize(18446744073709551615U), "16.0 EiB");
}

TEST(NumberTextTest, ValuesCannotHarmATerminal) {
  EXPECT_EQ(Printable("a\tb", 10), "a\tb");
  EXPECT_EQ(Printable("a\x1B[2J\n", 10), "a\\x1B[2J\\x0A");
  EXPECT_EQ(Printable("\xC3\xA9\xFF\xC3", 10), "\xC3\xA9\\xFF\\xC3");
  EXPECT_EQ(Printable("\xC2\x9B", 10), "\\xC2\\x9B");
  EXPECT_EQ(Printable("\xED\xA0\x80", 10), "\\xED\\xA0\\x80") << "a surrogate is no character";
  EXPECT_EQ(Printable("12345678", 8), "12345678");
  EXPECT_EQ(Printable("123456789", 8), "12345678... (+1 bytes)");
  EXPECT_EQ(Printable("1234567\xC3\xA9", 8), "1234567... (+2 bytes)") << "no half characters";
  EXPECT_EQ(DisplayWidth("\xC3\xA9x"), 2U);
}

}  // namespace
}  // namespace inlay::numbers
