// Limits of a report: a figure equal to the limit keeps it, and messages name broken limits with
// their figures.

#include "tools/analysis/report/gate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/strings.h"

namespace inlay::analysis {
namespace {

Report Measured(uint64_t records, uint64_t distinct) {
  Report report;
  report.records = records;
  report.distinct = distinct;
  report.dedup_ratio = static_cast<double>(records) / static_cast<double>(distinct);
  report.index_bits = SmallestIndexBits(distinct);
  return report;
}

TEST(GateTest, WithoutLimitsNothingIsBroken) {
  EXPECT_EQ(BrokenLimits(Measured(100'000, 100'000), {}), Strings());
}

TEST(GateTest, MaxDistinct) {
  EXPECT_EQ(BrokenLimits(Measured(1000, 300), {.max_distinct = 300}), Strings());
  EXPECT_EQ(BrokenLimits(Measured(1000, 300), {.max_distinct = 299}),
            Strings{"--max-distinct 299: 300 values are distinct"});
}

TEST(GateTest, MinRatio) {
  EXPECT_EQ(BrokenLimits(Measured(1000, 400), {.min_ratio = 2.5}), Strings());
  EXPECT_EQ(
      BrokenLimits(Measured(1000, 400), {.min_ratio = 2.75}),
      Strings{"--min-ratio 2.75: the dedup ratio is 2.5 (1000 records, 400 distinct values)"});
  // Never "2" for what is less than 2.
  EXPECT_EQ(BrokenLimits(Measured(1'999'999, 1'000'000), {.min_ratio = 2}),
            Strings{"--min-ratio 2: the dedup ratio is 1.999999 (1999999 records, 1000000 distinct "
                    "values)"});
}

TEST(GateTest, MaxIndexBits) {
  EXPECT_EQ(BrokenLimits(Measured(1000, 254), {.max_index_bits = 8}), Strings());
  EXPECT_EQ(BrokenLimits(Measured(1000, 255), {.max_index_bits = 8}),
            Strings{"--max-index-bits 8: the index needs 9 bits for 255 distinct values"});
  EXPECT_EQ(BrokenLimits(Measured(65'534, 65'534), {.max_index_bits = 16}), Strings());
  EXPECT_EQ(BrokenLimits(Measured(65'535, 65'535), {.max_index_bits = 16}),
            Strings{"--max-index-bits 16: no index of 16 bits or less is wide enough for 65535 "
                    "distinct values"});
}

TEST(GateTest, FailOnSpoilerNamesTheFields) {
  Report report = Measured(1000, 900);
  report.fields.resize(4);
  report.fields[0].name = "a";
  report.fields[1].name = "b\n";
  report.fields[3].name = "d";
  report.spoilers.distinct = 900;
  report.spoilers.steps = {{1, 800}, {2, 500}, {0, 30}, {3, 1}};
  const GateLimits limits = {.fail_on_spoiler = true};
  EXPECT_EQ(BrokenLimits(report, limits), Strings());
  report.joint_spoilers = 3;
  EXPECT_EQ(BrokenLimits(report, limits),
            Strings{"--fail-on-spoiler: without b\\x0A, (no name) and a, 30 of 900 distinct values "
                    "are left"});
  EXPECT_EQ(BrokenLimits(report, {}), Strings());
}

TEST(GateTest, EveryBrokenLimitHasALine) {
  EXPECT_EQ(BrokenLimits(Measured(100'000, 100'000),
                         {.max_distinct = 1, .min_ratio = 1.5, .max_index_bits = 2})
                .size(),
            3U);
}

}  // namespace
}  // namespace inlay::analysis
