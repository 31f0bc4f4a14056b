#include "tools/analysis/growth/growth_law.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace inlay::analysis {
namespace {

GrowthPoint At(const GrowthLaw& law, double records) { return {records, DistinctBy(law, records)}; }

TEST(GrowthLawTest, ALawIsFoundFromItsPoints) {
  for (const GrowthLaw& law :
       {GrowthLaw{0, 3, 0.5}, GrowthLaw{100, 0.1, 1}, GrowthLaw{500, -800, -0.4},
        GrowthLaw{-50, 20, 0.05}, GrowthLaw{1000, -1e7, -2}}) {
    for (const bool ahead : {true, false}) {
      const double records = 1000;
      const GrowthLaw found =
          ahead ? LawThrough(At(law, records), At(law, 2 * records), At(law, 10 * records))
                : LawThrough(At(law, records), At(law, records / 2), At(law, records / 8));
      EXPECT_NEAR(found.exponent, law.exponent, 1e-6) << law.exponent << ahead;
      for (const double more : {1.0, 3.0, 30.0}) {
        EXPECT_NEAR(DistinctBy(found, records * more) / DistinctBy(law, records * more), 1, 1e-5);
      }
    }
  }
}

TEST(GrowthLawTest, ALogarithmComesOutAsNearlyOne) {
  const GrowthLaw found = LawThrough({1000, 100}, {2000, 110}, {8000, 130});
  EXPECT_NEAR(found.exponent, 0, 1e-5);
  EXPECT_NEAR(DistinctBy(found, 64'000), 160, 0.1);
}

TEST(GrowthLawTest, NothingGrowsFasterThanTheRecords) {
  const GrowthLaw found = LawThrough({1000, 100}, {500, 40}, {125, 10});
  EXPECT_NEAR(found.exponent, 1, 1e-6);
  EXPECT_NEAR(DistinctBy(found, 1000), 100, 1e-6);
}

TEST(GrowthLawTest, WhatDoesNotGrowIsConstant) {
  const GrowthLaw found = LawThrough({1000, 7}, {2000, 7}, {10'000, 7});
  EXPECT_EQ(found.factor, 0);
  EXPECT_EQ(DistinctBy(found, 1e9), 7);
}

TEST(GrowthLawTest, LeastSquaresFindThePowerLawAndWhatItLeaves) {
  const GrowthLaw law = {0, 5, 0.6};
  const PowerLawFit exact =
      FitPowerLaw(std::vector<GrowthPoint>{At(law, 100), At(law, 300), At(law, 1000)});
  EXPECT_NEAR(exact.law.exponent, 0.6, 1e-12);
  EXPECT_NEAR(exact.law.factor, 5, 1e-9);
  EXPECT_NEAR(exact.residual_sd, 0, 1e-9);
  // By hand: x = 0, 1, 2 and y = 0, 1, 1 in logarithms give the slope 1/2 and residuals -1/6, 1/3,
  // -1/6.
  const double e = std::exp(1.0);
  const PowerLawFit rough = FitPowerLaw(std::vector<GrowthPoint>{{1, 1}, {e, e}, {e * e, e}});
  EXPECT_NEAR(rough.law.exponent, 0.5, 1e-12);
  EXPECT_NEAR(rough.residual_sd, std::sqrt(1 / 36.0 + 1 / 9.0 + 1 / 36.0), 1e-12);
  EXPECT_NEAR(rough.spread_log_records, 2, 1e-12);
  EXPECT_FALSE(rough.exponent_clamped);
  const PowerLawFit falling = FitPowerLaw(std::vector<GrowthPoint>{{1, e * e}, {e, e}, {e * e, 1}});
  EXPECT_EQ(falling.law.exponent, 0);
  EXPECT_TRUE(falling.exponent_clamped);
}

}  // namespace
}  // namespace inlay::analysis
