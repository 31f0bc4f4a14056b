#include "tools/command/snapshot_schedule.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace inlay {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Clock::time_point kBegin(seconds(1000));

// When snapshots start that take `each`, if nothing else takes time; in milliseconds after the
// first.
std::vector<int64_t> Starts(Clock::duration each, Clock::duration interval,
                            Clock::duration length) {
  std::vector<int64_t> starts = {0};
  Clock::time_point now = kBegin + each;
  while (const auto next = NextSnapshot(kBegin, now, interval, length)) {
    EXPECT_GT(*next, now);
    starts.push_back(std::chrono::duration_cast<milliseconds>(*next - kBegin).count());
    now = *next + each;
  }
  return starts;
}

TEST(SnapshotScheduleTest, OneEveryInterval) {
  EXPECT_EQ(Starts(milliseconds(1), milliseconds(200), milliseconds(500)),
            (std::vector<int64_t>{0, 200, 400}));
  EXPECT_EQ(Starts(milliseconds(1), milliseconds(250), milliseconds(500)),
            (std::vector<int64_t>{0, 250, 500}));
  EXPECT_EQ(Starts(milliseconds(1), milliseconds(501), milliseconds(500)),
            (std::vector<int64_t>{0}));
}

TEST(SnapshotScheduleTest, TimesThatPassMeanwhileAreLeftOut) {
  EXPECT_EQ(Starts(milliseconds(350), milliseconds(100), milliseconds(1000)),
            (std::vector<int64_t>{0, 400, 800}));
  EXPECT_EQ(Starts(milliseconds(400), milliseconds(100), milliseconds(1000)),
            (std::vector<int64_t>{0, 500, 1000}));
}

// Every snapshot takes longer than the interval, and none is taken after the series' end.
TEST(SnapshotScheduleTest, ASeriesEndsWhenItShould) {
  const std::vector<int64_t> starts = Starts(milliseconds(10), microseconds(100), seconds(1));
  EXPECT_LE(starts.size(), 101u);
  EXPECT_GE(starts.size(), 90u);
  EXPECT_LE(starts.back(), 1000);
}

}  // namespace
}  // namespace inlay
