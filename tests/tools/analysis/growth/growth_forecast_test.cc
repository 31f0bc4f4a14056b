// Forecasts against the truth: draws values, counts a part of them, and compares the forecast with
// the rest.

#include "tools/analysis/growth/growth_forecast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/tools/analysis/growth/drawn_values.h"
#include "tests/tools/analysis/values/counted_values.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/growth/growth_law.h"

namespace inlay::analysis {
namespace {

// The share of forecasts whose interval held the truth.
struct Coverage {
  int within = 0;
  int all = 0;
  double log_widths = 0;

  void Add(const GrowthForecast& forecast, double truth) {
    within += forecast.distinct_low <= truth && truth <= forecast.distinct_high ? 1 : 0;
    ++all;
    log_widths += std::log(forecast.distinct_high / forecast.distinct_low);
  }
  double share() const { return static_cast<double>(within) / all; }
};

TEST(GrowthForecastTest, TheTruthIsWithinNineteenOfTwentyTimes) {
  struct Family {
    std::string name;
    std::vector<Draw> draws;
  };
  const std::vector<Family> families = {
      {"finite Zipf",
       {Zipf(0.6, 3000), Zipf(0.8, 300), Zipf(1, 3000), Zipf(1.2, 300), Zipf(2, 3000)}},
      {"endless Zipf", {EndlessZipf(1.2), EndlessZipf(1.5), EndlessZipf(2)}},
      {"uniform", {AnyOf(20), AnyOf(100), AnyOf(500), AnyOf(2000), AnyOf(20'000)}},
      {"mixture", {Mixed(0.01, 100), Mixed(0.1, 100), Mixed(0.1, 5000), Mixed(0.5, 100)}},
      {"geometric", {Geometric(0.1), Geometric(0.01), Geometric(0.001)}}};
  std::mt19937_64 random(20'260'101);
  std::array<Coverage, 2> all;
  for (const Family& family : families) {
    std::array<Coverage, 2> coverage;
    for (const Draw& draw : family.draws) {
      for (const size_t records : {100U, 400U, 1600U}) {
        constexpr int kRepetitions = 8;
        for (int repetition = 0; repetition < kRepetitions; ++repetition) {
          std::vector<uint64_t> values(10 * records);
          for (uint64_t& value : values) value = draw(random);
          const Growth growth = GrowthInRandomOrder(
              CopiesOf({values.begin(), values.begin() + static_cast<std::ptrdiff_t>(records)}));
          ASSERT_EQ(growth.forecasts.size(), 2U);
          for (size_t i = 0; i < 2; ++i) {
            const auto end = static_cast<std::ptrdiff_t>(growth.forecasts[i].records);
            const double truth = static_cast<double>(
                std::unordered_set<uint64_t>(values.begin(), values.begin() + end).size());
            coverage[i].Add(growth.forecasts[i], truth);
            all[i].Add(growth.forecasts[i], truth);
          }
        }
      }
    }
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_GE(coverage[i].share(), 0.88) << family.name << ", forecast " << i;
      RecordProperty(family.name + std::to_string(i), std::to_string(coverage[i].share()));
    }
  }
  for (size_t i = 0; i < 2; ++i) EXPECT_GE(all[i].share(), 0.95) << "forecast " << i;
  // And the intervals are narrow: on average a quarter for 2x, a factor of 2.5 for 10x.
  EXPECT_LT(all[0].log_widths / all[0].all, std::log(1.35));
  EXPECT_LT(all[1].log_widths / all[1].all, std::log(2.5));
}

TEST(GrowthForecastTest, ValuesThatAreAllNewStayNew) {
  std::vector<uint64_t> values(5000);
  std::iota(values.begin(), values.end(), 0);
  const Growth growth = GrowthInRandomOrder(CopiesOf(values));
  ASSERT_TRUE(growth.law.has_value());
  EXPECT_NEAR(growth.law->exponent, 1, 0.01);
  EXPECT_NEAR(growth.forecasts[0].distinct, 10'000, 10);
  EXPECT_NEAR(growth.forecasts[1].distinct, 50'000, 50);
  EXPECT_LE(growth.forecasts[1].distinct_high, 50'000);
}

TEST(GrowthForecastTest, ValuesThatAreAllKnownStayThose) {
  std::vector<uint64_t> values(50'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % 500;
  const Growth growth = GrowthInRandomOrder(CopiesOf(values));
  for (const GrowthForecast& forecast : growth.forecasts) {
    EXPECT_EQ(forecast.distinct, 500);
    EXPECT_EQ(forecast.distinct_low, 500);
    EXPECT_LE(forecast.distinct_high, 501);
    EXPECT_EQ(forecast.index_bits, 9);
    ASSERT_EQ(forecast.overflow.size(), 8U);
    EXPECT_LT(forecast.overflow[0].probability, 1e-6);
    EXPECT_EQ(forecast.overflow[7].probability, 0);
  }
  ASSERT_TRUE(growth.law.has_value());
  EXPECT_EQ(growth.law->factor, 0);
}

// 20 values five times each have all been seen, although half of the records would not have met
// all.
TEST(GrowthForecastTest, WithoutSingletonsNoneIsPromised) {
  std::vector<uint64_t> values(100);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % 20;
  for (const GrowthForecast& forecast : GrowthInRandomOrder(CopiesOf(values)).forecasts) {
    EXPECT_EQ(forecast.distinct_low, 20);
    EXPECT_GT(forecast.distinct_high, 20);
  }
}

// So many values that e^-mean underflows.
TEST(GrowthForecastTest, ManyPairsDoNotPromiseThatNoneComes) {
  for (const uint64_t pairs : {400U, 2000U, 5000U}) {
    std::vector<uint64_t> values(2 * pairs);
    for (size_t i = 0; i < values.size(); ++i) values[i] = i % pairs;
    const Growth growth = GrowthInRandomOrder(CopiesOf(values));
    // A quarter of them came with the second half of the records.
    for (const GrowthForecast& forecast : growth.forecasts) {
      const double mean = static_cast<double>(pairs) / 4 * std::log2(forecast.times);
      const double high = forecast.distinct_high - static_cast<double>(pairs);
      EXPECT_NEAR(high, mean + 1.96 * std::sqrt(mean), 0.02 * mean) << pairs;
      EXPECT_EQ(forecast.distinct_low, static_cast<double>(pairs));
    }
  }
}

TEST(GrowthForecastTest, TheLawGoesThroughTodayAndTheForecasts) {
  std::mt19937_64 random(3);
  std::vector<uint64_t> values(20'000);
  const Draw draw = Zipf(1, 3000);
  for (uint64_t& value : values) value = draw(random);
  const Growth growth = GrowthInRandomOrder(CopiesOf(values));
  ASSERT_TRUE(growth.law.has_value());
  const auto by_law = [&](double records) { return DistinctBy(*growth.law, records); };
  EXPECT_NEAR(by_law(20'000), growth.points.back().distinct, 1e-6);
  for (const GrowthForecast& forecast : growth.forecasts) {
    EXPECT_NEAR(by_law(forecast.records) / forecast.distinct, 1, 1e-3);
    EXPECT_LE(forecast.distinct_low, forecast.distinct);
    EXPECT_GE(forecast.distinct_high, forecast.distinct);
  }
}

TEST(GrowthForecastTest, OverflowIsTheTailOfTheSameDistribution) {
  // ln of the values is normal about ln 1000, with a deviation of 0.1.
  const GrowthForecast forecast =
      ForecastOf(2, 1e6, 1000, [](double z) { return 1000 * std::exp(z / 10); });
  EXPECT_EQ(forecast.distinct_low, std::floor(1000 * std::exp(-0.196)));
  EXPECT_EQ(forecast.distinct_high, std::ceil(1000 * std::exp(0.196)));
  ASSERT_EQ(forecast.overflow.size(), 8U);
  for (const WidthOverflow& overflow : forecast.overflow) {
    const double z = 10 * std::log(static_cast<double>(IndexCapacity(overflow.index_bits)) / 1000);
    const double expected = z < -6 ? 1 : z > 6 ? 0 : std::erfc(z / std::sqrt(2.0)) / 2;
    EXPECT_NEAR(overflow.probability, expected, 1e-6) << overflow.index_bits;
  }
  EXPECT_EQ(forecast.index_bits, 10);
  EXPECT_EQ(forecast.index_bits_high, 11);
}

TEST(GrowthForecastTest, NoIndexIsWideEnoughForTooMany) {
  const GrowthForecast forecast = ForecastOf(2, 1e6, 70'000, [](double) { return 70'000; });
  EXPECT_FALSE(forecast.index_bits.has_value());
  EXPECT_EQ(forecast.overflow.back().probability, 1);
}

TEST(GrowthForecastTest, OneRecordHasNoLaw) {
  const Growth growth = GrowthInRandomOrder(CopiesOf({7}));
  EXPECT_FALSE(growth.law.has_value());
  ASSERT_EQ(growth.points.size(), 1U);
  ASSERT_EQ(growth.forecasts.size(), 2U);
  EXPECT_GE(growth.forecasts[1].distinct_low, 1);
  EXPECT_LE(growth.forecasts[1].distinct_high, 10);
}

TEST(GrowthForecastTest, ASampleSaysAboutTheSameWithALargerError) {
  std::mt19937_64 random(4);
  std::vector<uint64_t> values(200'000);
  const Draw draw = EndlessZipf(1.5);
  for (uint64_t& value : values) value = draw(random);
  const Growth exact = GrowthInRandomOrder(CopiesOf(values));
  const DistinctValues few = CountNumbers(values, 100'000);
  ASSERT_FALSE(few.exact());
  const Growth sampled = GrowthInRandomOrder(CopiesDistribution(few));
  for (size_t i = 0; i < 2; ++i) {
    const GrowthForecast& forecast = sampled.forecasts[i];
    EXPECT_NEAR(forecast.distinct / exact.forecasts[i].distinct, 1, 0.25) << i;
    EXPECT_LE(forecast.distinct_low, exact.forecasts[i].distinct) << i;
    EXPECT_GE(forecast.distinct_high, exact.forecasts[i].distinct) << i;
    EXPECT_GT(forecast.distinct_high / forecast.distinct_low,
              exact.forecasts[i].distinct_high / exact.forecasts[i].distinct_low);
  }
}

std::vector<GrowthPoint> PointsInOrder(const std::vector<uint64_t>& values) {
  std::vector<GrowthPoint> points;
  std::unordered_set<uint64_t> met;
  for (size_t i = 0; i < values.size(); ++i) {
    met.insert(values[i]);
    if (((i + 1) & i) == 0 || i + 1 == values.size()) {
      points.push_back({static_cast<double>(i + 1), static_cast<double>(met.size())});
    }
  }
  return points;
}

// Every value occurs 10 times in a row: random order would see no more growth, and there is as much
// as ever.
TEST(GrowthForecastTest, DriftIsSeenInOrderOnly) {
  std::vector<uint64_t> values(16'384);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i / 10;
  const CopiesDistribution copies = CopiesOf(values);
  const Growth random = GrowthInRandomOrder(copies);
  EXPECT_LT(random.forecasts[1].distinct_high, 1.1 * 1639);
  const Growth in_order = GrowthInInputOrder(PointsInOrder(values), copies);
  EXPECT_EQ(in_order.order, Growth::Order::kInput);
  ASSERT_EQ(in_order.random_order.size(), in_order.points.size());
  EXPECT_GT(in_order.random_order[in_order.points.size() - 2].distinct, 1600);
  EXPECT_NEAR(in_order.forecasts[0].distinct / (2 * 1638.4), 1, 0.02);
  EXPECT_NEAR(in_order.forecasts[1].distinct / (10 * 1638.4), 1, 0.02);
  EXPECT_LE(in_order.forecasts[1].distinct_low, 16'384);
  EXPECT_GE(in_order.forecasts[1].distinct_high, 16'384);
  ASSERT_TRUE(in_order.law.has_value());
  EXPECT_NEAR(in_order.law->exponent, 1, 0.01);
}

TEST(GrowthForecastTest, InOrderTheTruthIsWithinToo) {
  std::mt19937_64 random(5);
  Coverage coverage;
  for (const Draw& draw : {Zipf(0.8, 3000), Zipf(1.2, 300), EndlessZipf(1.5), AnyOf(500),
                           Mixed(0.1, 100), Geometric(0.01)}) {
    for (int repetition = 0; repetition < 20; ++repetition) {
      std::vector<uint64_t> values(10'000);
      for (uint64_t& value : values) value = draw(random);
      const std::vector<uint64_t> first(values.begin(), values.begin() + 1000);
      const Growth growth = GrowthInInputOrder(PointsInOrder(first), CopiesOf(first));
      for (const GrowthForecast& forecast : growth.forecasts) {
        const auto end = static_cast<std::ptrdiff_t>(forecast.records);
        coverage.Add(
            forecast,
            static_cast<double>(
                std::unordered_set<uint64_t>(values.begin(), values.begin() + end).size()));
      }
    }
  }
  EXPECT_GE(coverage.share(), 0.9);
}

void ExpectSound(const Growth& growth) {
  const double today = growth.points.back().distinct;
  double low_before = today;
  for (const GrowthForecast& forecast : growth.forecasts) {
    EXPECT_TRUE(std::isfinite(forecast.distinct));
    EXPECT_TRUE(std::isfinite(forecast.distinct_high));
    EXPECT_GE(forecast.distinct_low, low_before);
    EXPECT_LE(forecast.distinct_low, forecast.distinct);
    EXPECT_GE(forecast.distinct_high, forecast.distinct);
    for (const WidthOverflow& overflow : forecast.overflow) {
      EXPECT_GE(overflow.probability, 0);
      EXPECT_LE(overflow.probability, 1);
    }
    low_before = forecast.distinct_low;
  }
}

TEST(GrowthForecastTest, InOrderAFewLateValuesDoNotPromiseThousands) {
  // 1,000 values, nearly all soon met, and late ones here and there.
  std::mt19937_64 random(7);
  for (const std::vector<size_t>& late : {std::vector<size_t>{20'000}, std::vector<size_t>{9'000},
                                          std::vector<size_t>{9'000, 20'000, 30'000}}) {
    std::vector<uint64_t> values(32'768);
    for (uint64_t& value : values) value = random() % 1000;
    for (const size_t i : late) values[i] = 1'000'000 + i;
    const Growth growth = GrowthInInputOrder(PointsInOrder(values), CopiesOf(values));
    ExpectSound(growth);
    EXPECT_LE(growth.forecasts[0].distinct_high, 1'040);
    EXPECT_LE(growth.forecasts[1].distinct_high, 1'300);
  }
}

// Points that are estimates may fall; no forecast is made of how.
TEST(GrowthForecastTest, InOrderPointsOfASampleMayFall) {
  std::mt19937_64 random(6);
  std::vector<uint64_t> values(65'536);
  for (uint64_t& value : values) value = random() % 30'000;
  const CopiesDistribution copies{CountNumbers(values, 100'000)};
  ASSERT_GT(copies.weight(), 1U);
  const double distinct = copies.distinct().value;
  const Growth growth = GrowthInInputOrder({{1024, 1000},
                                            {2048, 1900},
                                            {4096, 1500},
                                            {8192, 1400},
                                            {16'384, 1.2 * distinct},
                                            {32'768, 1.1 * distinct},
                                            {65'536, distinct}},
                                           copies);
  for (size_t i = 1; i < growth.points.size(); ++i) {
    EXPECT_GE(growth.points[i].distinct, growth.points[i - 1].distinct) << i;
  }
  EXPECT_EQ(growth.points.back().distinct, distinct);
  const Growth at_random = GrowthInRandomOrder(copies);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(growth.forecasts[i].distinct, at_random.forecasts[i].distinct);
    EXPECT_EQ(growth.forecasts[i].distinct_high, at_random.forecasts[i].distinct_high);
    EXPECT_TRUE(std::isfinite(growth.forecasts[i].distinct_low));
  }
  EXPECT_FALSE(growth.law.has_value());
}

TEST(GrowthForecastTest, BelowTenRecordsThereIsNoLaw) {
  for (size_t records = 2; records <= 11; ++records) {
    std::vector<uint64_t> values(records);
    for (size_t i = 0; i < records; ++i) values[i] = i / 2;
    const CopiesDistribution copies = CopiesOf(values);
    EXPECT_EQ(GrowthInRandomOrder(copies).law.has_value(), records >= 10) << records;
    const Growth in_order = GrowthInInputOrder(PointsInOrder(values), copies);
    EXPECT_EQ(in_order.law.has_value(), records >= 10) << records;
    EXPECT_EQ(in_order.forecasts.size(), 2U);
  }
}

Snapshot SnapshotOf(uint64_t records, uint64_t distinct) {
  return {.name = "s", .records = records, .distinct = distinct, .distinct_so_far = distinct};
}

TEST(GrowthForecastTest, SnapshotsOfDifferentSizesHaveALawOfTheirOwn) {
  const CopiesDistribution copies = CopiesOf({1, 2, 2});
  const Growth growth = GrowthOfSnapshots(
      {SnapshotOf(4000, 63), SnapshotOf(1000, 32), SnapshotOf(2000, 45), SnapshotOf(8000, 89)},
      copies);
  EXPECT_FALSE(growth.within_last_snapshot);
  ASSERT_TRUE(growth.law.has_value());
  EXPECT_NEAR(growth.law->exponent, 0.5, 0.02);
  EXPECT_EQ(growth.points.front().records, 1000);
  EXPECT_EQ(growth.snapshots.front().records, 4000U);
  EXPECT_NEAR(growth.forecasts[0].distinct, 126, 3);
  EXPECT_NEAR(growth.forecasts[1].distinct, 283, 10);
  EXPECT_LT(growth.forecasts[1].distinct_low, 283);
  EXPECT_GT(growth.forecasts[1].distinct_high, 283);
}

// The forecast starts from the last snapshot, even if the law of all gives another number.
TEST(GrowthForecastTest, SnapshotsGrowFromTheLastOne) {
  const CopiesDistribution copies = CopiesOf({1, 2, 2});
  const Growth growth = GrowthOfSnapshots(
      {SnapshotOf(1000, 32), SnapshotOf(2000, 45), SnapshotOf(8000, 89), SnapshotOf(4000, 150)},
      copies);
  ASSERT_FALSE(growth.within_last_snapshot);
  ASSERT_TRUE(growth.law.has_value());
  EXPECT_NEAR(DistinctBy(*growth.law, 4000), 150, 1e-9);
  for (const GrowthForecast& forecast : growth.forecasts) {
    EXPECT_NEAR(forecast.distinct, DistinctBy(*growth.law, forecast.records), 1e-9);
    EXPECT_GE(forecast.distinct_low, 150);
    EXPECT_GT(forecast.distinct_high, forecast.distinct);
  }
}

TEST(GrowthForecastTest, SnapshotsThatGetFewerValuesWithMoreRecordsHaveNoLaw) {
  std::vector<uint64_t> last(100);
  for (size_t i = 0; i < last.size(); ++i) last[i] = i % 90;
  const Growth growth = GrowthOfSnapshots(
      {SnapshotOf(400, 30), SnapshotOf(200, 60), SnapshotOf(100, 90)}, CopiesOf(last));
  EXPECT_TRUE(growth.within_last_snapshot);
  for (const GrowthForecast& forecast : growth.forecasts) {
    EXPECT_GE(forecast.distinct_low, 90);
    EXPECT_GE(forecast.distinct, 90);
  }
}

TEST(GrowthForecastTest, SnapshotsThatAreTooFewOrTooAlikeHaveNone) {
  const CopiesDistribution copies = CopiesOf({1, 2, 2});
  const Growth alone = GrowthInRandomOrder(copies);
  for (const std::vector<Snapshot>& snapshots :
       {std::vector{SnapshotOf(1000, 2), SnapshotOf(3, 2)},
        std::vector{SnapshotOf(4, 2), SnapshotOf(5, 2), SnapshotOf(3, 2)},
        std::vector{SnapshotOf(9, 5), SnapshotOf(1, 1), SnapshotOf(3, 2)}}) {
    const Growth growth = GrowthOfSnapshots(snapshots, copies);
    EXPECT_TRUE(growth.within_last_snapshot);
    EXPECT_EQ(growth.forecasts[0].distinct, alone.forecasts[0].distinct);
  }
}

}  // namespace
}  // namespace inlay::analysis
