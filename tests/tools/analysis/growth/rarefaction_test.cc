// The expectation over random parts of the records, against enumeration and against sampling.

#include "tools/analysis/growth/rarefaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/analysis/values/counted_values.h"

namespace inlay::analysis {
namespace {

TEST(RarefactionTest, IsTheMeanOverAllParts) {
  const std::vector<uint64_t> values = {0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5};
  const CopiesDistribution copies = CopiesOf(values);
  std::vector<double> sums(values.size() + 1);
  std::vector<double> parts(values.size() + 1);
  for (uint32_t part = 0; part < uint32_t{1} << values.size(); ++part) {
    std::set<uint64_t> met;
    for (size_t i = 0; i < values.size(); ++i) {
      if ((part >> i & 1) != 0) met.insert(values[i]);
    }
    sums[static_cast<size_t>(std::popcount(part))] += static_cast<double>(met.size());
    parts[static_cast<size_t>(std::popcount(part))] += 1;
  }
  for (size_t records = 0; records <= values.size(); ++records) {
    EXPECT_NEAR(ExpectedDistinct(copies, records), sums[records] / parts[records], 1e-12)
        << records;
  }
}

TEST(RarefactionTest, IsTheMeanOfDrawsWhereCopiesAreMany) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> values;
  for (uint64_t value = 0; value < 60; ++value) {
    values.insert(values.end(), value * value / 4 + 1, value);  // up to 871 copies
  }
  const CopiesDistribution copies = CopiesOf(values);
  for (const size_t records : {values.size() / 2, values.size() / 50, size_t{20}}) {
    constexpr int kDraws = 100;
    double sum = 0;
    double squares = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      std::shuffle(values.begin(), values.end(), random);
      const double met = static_cast<double>(
          std::set<uint64_t>(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(records))
              .size());
      sum += met;
      squares += met * met;
    }
    const double mean = sum / kDraws;
    const double sd = std::sqrt((squares / kDraws - mean * mean) / kDraws);
    EXPECT_NEAR(ExpectedDistinct(copies, records), mean, 4 * sd + 1e-9) << records;
  }
}

TEST(RarefactionTest, TheTwoFormulasAgreeWhereTheyMeet) {
  // 64 and 65 copies: a product, and a formula.
  const auto absent = [](uint64_t held) {
    std::vector<uint64_t> values(held, 0);
    values.resize(100'000, 1);
    return 2 - ExpectedDistinct(CopiesOf(values), 1000);
  };
  EXPECT_NEAR(absent(65) / absent(64), 1 - 1000.0 / (100'000 - 64), 1e-7);
}

// Logarithms of factorials would differ by less than their rounding errors.
TEST(RarefactionTest, MayBeOfTrillionsOfRecords) {
  constexpr uint64_t kRecords = 1'000'000'000'000;
  for (const uint64_t held : {uint64_t{65}, uint64_t{1000}, uint64_t{1'000'000}}) {
    DistinctValues values{.counter = BoundedCounter(BoundedCounter::kUnbounded),
                          .records = kRecords};
    const auto add = [&values](uint8_t name, uint64_t copies) {
      values.counter.AddCounted({&name, 1}, copies);
    };
    add(0, held);
    add(1, kRecords - held);
    const double present = ExpectedDistinct(CopiesDistribution(values), kRecords / 65'536) - 1;
    const double expected = -std::expm1(static_cast<double>(held) * std::log1p(-1 / 65'536.0));
    EXPECT_NEAR(present / expected, 1, 1e-5) << held;
  }
}

TEST(RarefactionTest, ThousandsOfCopiesAreAProductToo) {
  constexpr uint64_t kRecords = 100'000;
  for (const uint64_t held : {70U, 500U, 3000U, 40'000U}) {
    std::vector<uint64_t> values(held, 0);
    values.resize(kRecords, 1);
    const CopiesDistribution copies = CopiesOf(values);
    for (const uint64_t part : {1U, 30U, 100U, 1000U, 59'900U}) {
      double absent = 1;
      for (uint64_t i = 0; i < part; ++i) {
        absent *= static_cast<double>(kRecords - held - i) / static_cast<double>(kRecords - i);
      }
      double other = 1;  // that it is of one value alone may be the other way round
      for (uint64_t i = 0; i < part; ++i) {
        other *= static_cast<double>(held - std::min(held, i)) / static_cast<double>(kRecords - i);
      }
      EXPECT_NEAR(ExpectedDistinct(copies, part), 2 - absent - other, 1e-9) << held << " " << part;
    }
  }
}

TEST(RarefactionTest, TheCurveEndsWithAllRecordsAndStartsWithOne) {
  std::vector<uint64_t> values;
  for (uint64_t i = 0; i < 1000; ++i) values.push_back(i * i % 37);
  const CopiesDistribution copies = CopiesOf(values);
  const std::vector<GrowthPoint> curve = RarefactionCurve(copies);
  ASSERT_EQ(curve.size(), 10U);
  EXPECT_EQ(curve.front().records, 1);
  EXPECT_NEAR(curve.front().distinct, 1, 1e-12);
  EXPECT_EQ(curve[8].records, 500);
  EXPECT_EQ(curve.back().records, 1000);
  EXPECT_EQ(curve.back().distinct, copies.distinct().value);
  EXPECT_EQ(RarefactionCurve(copies, 3).front().records, 250);
}

TEST(RarefactionTest, CopiesInAShareAreBinomial) {
  const CopiesDistribution copies = CopiesOf({0, 0, 0, 1, 1, 2});
  EXPECT_DOUBLE_EQ(ExpectedWithCopies(copies, 1, 1), 1);
  EXPECT_DOUBLE_EQ(ExpectedWithCopies(copies, 1, 2), 1);
  EXPECT_DOUBLE_EQ(ExpectedWithCopies(copies, 1, 3), 1);
  EXPECT_DOUBLE_EQ(ExpectedWithCopies(copies, 0.5, 1), 3 / 8.0 + 2 / 4.0 + 1 / 2.0);
  EXPECT_DOUBLE_EQ(ExpectedWithCopies(copies, 0.5, 2), 3 / 8.0 + 1 / 4.0);
  EXPECT_DOUBLE_EQ(ExpectedWithCopies(copies, 0.5, 3), 1 / 8.0);
}

}  // namespace
}  // namespace inlay::analysis
