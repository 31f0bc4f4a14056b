#include "tools/analysis/counting/snapshot_series.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace inlay::analysis {
namespace {

// Values of one byte, counted.
Summary Of(std::string_view bytes) {
  Summary summary;
  summary.schema.value_bytes = 1;
  for (const char& byte : bytes) {
    summary.distinct.counter.AddCounted({reinterpret_cast<const uint8_t*>(&byte), 1}, 1);
  }
  summary.distinct.records = bytes.size();
  return summary;
}

TEST(SnapshotSeriesTest, EverySnapshotIsComparedWithTheOneBefore) {
  SnapshotSeries series;
  for (const char* bytes : {"aabc", "bccd", "aad"}) {
    const std::string name = "t" + std::to_string(series.snapshots().size());
    ASSERT_TRUE(series.Add(name, Of(bytes)).ok());
  }
  ASSERT_EQ(series.snapshots().size(), 3U);
  const Snapshot& second = series.snapshots()[1];
  EXPECT_EQ(second.name, "t1");
  EXPECT_EQ(second.records, 4U);
  EXPECT_EQ(second.distinct, 3U);
  EXPECT_EQ(second.appeared, 1U);
  EXPECT_EQ(second.disappeared, 1U);
  EXPECT_EQ(second.distinct_so_far, 4U);
  const Snapshot& third = series.snapshots()[2];
  EXPECT_EQ(third.appeared, 1U) << "a was gone, and is new again";
  EXPECT_EQ(third.disappeared, 2U);
  EXPECT_EQ(third.distinct_so_far, 4U);
  EXPECT_EQ(series.last().distinct.records, 3U);
}

TEST(SnapshotSeriesTest, ValuesOfAnotherKindAreRefused) {
  SnapshotSeries series;
  ASSERT_TRUE(series.Add("first", Of("ab")).ok());
  Summary other = Of("ab");
  other.schema.value_bytes = 2;
  const absl::Status status = series.Add("second", std::move(other));
  EXPECT_EQ(
      std::string(status.message()),
      "second: its values are not those of the snapshots before it: 2 bytes instead of 1 byte");
  EXPECT_EQ(series.snapshots().size(), 1U);
}

}  // namespace
}  // namespace inlay::analysis
