// When a count of the kernel is explained by the sockets that are known.

#include "engine/live_maps/explained_count.h"

#include <gtest/gtest.h>

#include <vector>

namespace inlay::live_maps {
namespace {

constexpr uint64_t kMs = 1'000'000;

// Three at this time, which take 1 us each.
std::vector<UsedReading> Thrice(uint64_t at_ns, uint64_t sockets) {
  std::vector<UsedReading> readings;
  for (uint64_t i = 0; i < 3; ++i) {
    readings.push_back({at_ns + i * 2000, at_ns + i * 2000 + 1000, sockets});
  }
  return readings;
}

TEST(ExplainedCountTest, ByThoseThatStayed) {
  EXPECT_TRUE(ExplainCount(Thrice(10 * kMs, 5), 5, {}).is_complete);
  const Explanation hidden = ExplainCount(Thrice(10 * kMs, 6), 5, {});
  EXPECT_FALSE(hidden.is_complete);
  EXPECT_EQ(hidden.fewest_others, 1u);
}

TEST(ExplainedCountTest, ByLivesThatIncludeTheMoment) {
  const std::vector<KnownLife> lives = {
      {1 * kMs, 2 * kMs},              // gone
      {1 * kMs, 11 * kMs},             // there
      {KnownLife::kBefore, 11 * kMs},  // there
      {9 * kMs, KnownLife::kAfter},    // there
      {11 * kMs, KnownLife::kAfter},   // not yet
      {2 * kMs, 1 * kMs},              // nonsense
  };
  EXPECT_TRUE(ExplainCount(Thrice(10 * kMs, 8), 5, lives).is_complete);
  EXPECT_FALSE(ExplainCount(Thrice(10 * kMs, 9), 5, lives).is_complete);
  EXPECT_EQ(ExplainCount(Thrice(10 * kMs, 10), 5, lives).fewest_others, 2u);
}

// One that begins or ends during the sum, or so near that the clocks do not tell.
TEST(ExplainedCountTest, NotWhileALifeBeginsOrEnds) {
  const std::vector<UsedReading> readings = {
      {10'000, 11'000, 6}, {20'000, 21'000, 6}, {30'000, 31'000, 6}};
  EXPECT_TRUE(ExplainCount(readings, 5, {{{5'000, 40'000}}}).is_complete);
  EXPECT_FALSE(ExplainCount(readings, 5, {{{9'500, 40'000}}}).is_complete);
  EXPECT_FALSE(ExplainCount(readings, 5, {{{5'000, 31'900}}}).is_complete);
  const std::vector<KnownLife> and_one_within = {{5'000, 40'000}, {20'100, 20'900}};
  EXPECT_FALSE(ExplainCount(readings, 5, and_one_within).is_complete);
}

TEST(ExplainedCountTest, NotBySumsThatWereInterrupted) {
  std::vector<UsedReading> readings = Thrice(10 * kMs, 5);
  readings[1].end_ns += 5000;
  EXPECT_FALSE(ExplainCount(readings, 5, {}).is_complete);
}

TEST(ExplainedCountTest, NotByOneOrTwo) {
  std::vector<UsedReading> readings = Thrice(10 * kMs, 5);
  readings.pop_back();
  EXPECT_FALSE(ExplainCount(readings, 5, {}).is_complete);
  EXPECT_FALSE(ExplainCount({}, 0, {}).is_complete);
}

// A sum below what is known was too small, and tells nothing.
TEST(ExplainedCountTest, NotByFewer) {
  const Explanation fewer = ExplainCount(Thrice(10 * kMs, 4), 5, {});
  EXPECT_FALSE(fewer.is_complete);
  EXPECT_EQ(fewer.fewest_others, 0u);
}

}  // namespace
}  // namespace inlay::live_maps
