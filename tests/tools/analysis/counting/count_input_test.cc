#include "tools/analysis/counting/count_input.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/tools/temporary_files.h"

namespace inlay::analysis {
namespace {

class Watcher final : public CountObserver {
 public:
  void Started(const RecordSource& /*source*/, uint64_t total_bytes) override {
    EXPECT_FALSE(std::exchange(reading_, true));
    total_bytes_.push_back(total_bytes);
  }
  void Finished() override { EXPECT_TRUE(std::exchange(reading_, false)); }

  const std::vector<uint64_t>& total_bytes() const { return total_bytes_; }

 private:
  bool reading_ = false;
  std::vector<uint64_t> total_bytes_;
};

class CountInputTest : public testing::Test {
 protected:
  absl::StatusOr<CountedInput> Count(std::vector<std::string> paths, const CountOptions& options,
                                     const RecordOptions& records = {}) {
    absl::StatusOr<Inputs> inputs = Inputs::Open(std::move(paths));
    if (!inputs.ok()) return inputs.status();
    return CountInput(*std::move(inputs), records, options, &watcher_);
  }

  std::string Message(std::vector<std::string> paths, const CountOptions& options,
                      const RecordOptions& records = {}) {
    const absl::StatusOr<CountedInput> counted = Count(std::move(paths), options, records);
    return counted.ok() ? "" : std::string(counted.status().message());
  }

  TemporaryFiles files_;
  Watcher watcher_;
  const std::string a_ = files_.Write("a.csv", "1,x\n1,x\n2,y\n");
  const std::string b_ = files_.Write("b.csv", "1,x\n3,z\n");
};

TEST_F(CountInputTest, AllFilesAreOneSet) {
  const absl::StatusOr<CountedInput> counted = Count({a_, b_}, {});
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(counted->summary.distinct.records, 5U);
  EXPECT_EQ(counted->summary.distinct.values().size(), 3U);
  EXPECT_TRUE(counted->input_order.empty());
  EXPECT_TRUE(counted->snapshots.empty());
  EXPECT_EQ(watcher_.total_bytes(), std::vector<uint64_t>{20});
}

TEST_F(CountInputTest, InOrderTheGrowthIsMeasured) {
  const absl::StatusOr<CountedInput> counted = Count({a_, b_}, {.mode = CountMode::kInOrder});
  ASSERT_TRUE(counted.ok()) << counted.status();
  ASSERT_FALSE(counted->input_order.empty());
  EXPECT_EQ(counted->input_order.front().records, 1);
  EXPECT_EQ(counted->input_order.back().records, 5);
  EXPECT_EQ(counted->input_order.back().distinct, 3);
}

TEST_F(CountInputTest, FilesOrRowsCanBeSnapshots) {
  const absl::StatusOr<CountedInput> files = Count({a_, b_}, {.mode = CountMode::kSnapshotFiles});
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ(files->snapshots.size(), 2U);
  EXPECT_EQ(files->snapshots[0].name, a_);
  EXPECT_EQ(files->snapshots[1].appeared, 1U);
  EXPECT_EQ(files->summary.distinct.records, 2U) << "of the last one";
  EXPECT_EQ(watcher_.total_bytes(), (std::vector<uint64_t>{12, 8}));

  const absl::StatusOr<CountedInput> rows =
      Count({a_}, {.mode = CountMode::kSnapshotColumns, .snapshot_column = "1"});
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->snapshots.size(), 2U);
  EXPECT_EQ(rows->snapshots[1].name, "2");
  for (const CountMode mode : {CountMode::kSnapshotFiles, CountMode::kSnapshotColumns}) {
    EXPECT_NE(Message({files_.Write("one", "1,x\n")}, {.mode = mode, .snapshot_column = "1"})
                  .find(" needs two snapshots or more, and there is only '"),
              std::string::npos);
  }
}

// A doubt about any file is a doubt about the sum, and stays one in its summary.
TEST_F(CountInputTest, SummariesCarryTheirNotes) {
  absl::StatusOr<CountedInput> counted = Count({a_}, {});
  ASSERT_TRUE(counted.ok());
  const std::string plain = files_.Write("plain", WriteSummary(counted->summary));
  counted->summary.notes.Add(Doubt("a part is missing"));
  const std::string doubtful = files_.Write("doubtful", WriteSummary(counted->summary));
  const absl::StatusOr<CountedInput> sum = Count({plain, doubtful, doubtful}, {});
  ASSERT_TRUE(sum.ok()) << sum.status();
  EXPECT_EQ(sum->summary.distinct.records, 9U);
  EXPECT_EQ(sum->notes, std::vector<InputNote>{Doubt("a part is missing")});
  EXPECT_TRUE(sum->summary.notes.notes().contains(Doubt("a part is missing")));
  const absl::StatusOr<CountedInput> snapshots =
      Count({doubtful, plain}, {.mode = CountMode::kSnapshotFiles});
  ASSERT_TRUE(snapshots.ok()) << snapshots.status();
  ASSERT_EQ(snapshots->notes.size(), 2U);
  EXPECT_EQ(snapshots->notes[1], Doubt("a part is missing"));

  RecordOptions columns;
  columns.columns = "1";
  EXPECT_NE(Message({plain}, {}, columns).find("is a summary: the options for reading records"),
            std::string::npos);
  for (const CountMode mode : {CountMode::kInOrder, CountMode::kSnapshotColumns}) {
    EXPECT_NE(Message({plain}, {.mode = mode, .snapshot_column = "1"})
                  .find("is a summary, which knows neither the order"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace inlay::analysis
