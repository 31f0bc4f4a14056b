#include "tools/analysis/counting/snapshot_series.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace inlay::analysis {
namespace {

// A series of snapshots of values of one byte.
class Bytes final : public RecordSource {
 public:
  explicit Bytes(std::vector<std::string> snapshots) : snapshots_(std::move(snapshots)) {
    schema_.value_bytes = 1;
  }
  absl::StatusOr<bool> Next(RecordBlock& block) override {
    block.ClearRecords();
    if (std::exchange(read_, true)) return false;
    const std::string& bytes = snapshots_[at_];
    block.buffer().assign(bytes.begin(), bytes.end());
    block.SetStride(1, bytes.size());
    return true;
  }
  absl::StatusOr<bool> NextSnapshot() override {
    read_ = false;
    return ++at_ < snapshots_.size();
  }
  std::string SnapshotName() const override { return "t" + std::to_string(at_); }

 private:
  std::vector<std::string> snapshots_;
  size_t at_ = 0;
  bool read_ = false;
};

TEST(SnapshotSeriesTest, EverySnapshotOfASourceIsComparedWithTheOneBefore) {
  Bytes source({"aabc", "bccd", "aad"});
  SnapshotSeries series;
  ASSERT_TRUE(series.AddAll("file", source, 1, BoundedCounter::kUnbounded).ok());
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
  Bytes source({"ab"});
  ASSERT_TRUE(series.AddAll("first", source, 1, BoundedCounter::kUnbounded).ok());
  Summary other;
  other.schema = source.schema();
  other.schema.value_bytes = 2;
  const RecordSchema schema = other.schema;
  const absl::Status status = series.Add("second", std::move(other));
  EXPECT_EQ(std::string(status.message()),
            "second: its values are not those of the snapshots before it: " +
                DescribeValues(schema) + " instead of " + DescribeValues(source.schema()));
  EXPECT_NE(DescribeValues(schema), DescribeValues(source.schema()));
  EXPECT_EQ(series.snapshots().size(), 1U);
}

}  // namespace
}  // namespace inlay::analysis
