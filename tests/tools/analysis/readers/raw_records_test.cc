#include "tools/analysis/readers/raw_records.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/values/record_limits.h"

namespace inlay::analysis {
namespace {

class RawRecordsTest : public testing::Test {
 protected:
  // The values, or the message of the error as the only one.
  static std::vector<std::string> Read(std::vector<std::string> paths, uint64_t value_bytes) {
    absl::StatusOr<Inputs> inputs = Inputs::Open(std::move(paths));
    if (!inputs.ok()) return {std::string(inputs.status().message())};
    absl::StatusOr<std::unique_ptr<RecordSource>> source =
        OpenRawRecords(*std::move(inputs), value_bytes);
    if (!source.ok()) return {std::string(source.status().message())};
    absl::StatusOr<std::vector<std::string>> values = ReadAll(**source);
    if (!values.ok()) return {std::string(values.status().message())};
    return *values;
  }

  TemporaryFiles files_;
};

TEST_F(RawRecordsTest, FilesAreOneStream) {
  const std::string first = files_.Write("first", "aabbcc");
  const std::string second = files_.Write("second", "dd");
  EXPECT_EQ(Read({first, second}, 2), (Strings{"aa", "bb", "cc", "dd"}));
}

TEST_F(RawRecordsTest, BlocksKeepTheOrderAndTheLastBytes) {
  std::string content;
  for (int i = 0; i < 100000; ++i) content += "record" + std::to_string(100000 + i) + "-";
  const Strings values = Read({files_.Write("many", content)}, 13);
  ASSERT_EQ(values.size(), 100000U);
  for (int i = 0; i < 100000; ++i) {
    ASSERT_EQ(values[static_cast<size_t>(i)], "record" + std::to_string(100000 + i) + "-");
  }
}

TEST_F(RawRecordsTest, TheLargestValueWorksAndLargerOnesDoNot) {
  const std::string path = files_.Write("large", std::string(3 * kMaxRecordBytes, 'x'));
  EXPECT_EQ(Read({path}, kMaxRecordBytes).size(), 3U);
  EXPECT_EQ(Read({path}, kMaxRecordBytes + 1),
            (Strings{"a value of 65537 bytes is not possible: the limits are 1 and 65536 bytes"}));
  EXPECT_EQ(Read({path}, 0),
            (Strings{"a value of 0 bytes is not possible: the limits are 1 and 65536 bytes"}));
}

TEST_F(RawRecordsTest, ATruncatedLastRecordIsAnErrorAtItsOffset) {
  const std::string good = files_.Write("good", "aabb");
  const std::string bad = files_.Write("bad", "aabbc");
  EXPECT_EQ(Read({bad}, 2), (Strings{bad + ": the last record, at byte 4, has only 1 of 2 bytes"}));
  EXPECT_EQ(Read({good, bad}, 2),
            (Strings{bad + ": the last record, at byte 4, has only 1 of 2 bytes"}));
}

TEST_F(RawRecordsTest, FilesThatCannotBeReadAreErrors) {
  const std::string good = files_.Write("good", "aabb");
  const std::string empty = files_.Write("empty", "");
  EXPECT_EQ(Read({empty}, 2), (Strings{empty + ": is empty"}));
  EXPECT_EQ(Read({good, empty}, 2), (Strings{empty + ": is empty"}));
  EXPECT_EQ(Read({files_.Path("")}, 2),
            (Strings{files_.Path("") + ": is a directory, not a file"}));
  EXPECT_EQ(Read({good, files_.Path("none")}, 2),
            (Strings{files_.Path("none") + ": cannot open: No such file or directory"}));
  EXPECT_EQ(Read({}, 2), (Strings{"no input file"}));
}

TEST_F(RawRecordsTest, AFileThatShrinksWhileItIsReadIsAnError) {
  const std::string path = files_.Write("shrinks", std::string(size_t{1} << 20, 'x'));
  absl::StatusOr<std::unique_ptr<RecordSource>> source = OpenRawRecords(*Inputs::Open({path}), 64);
  ASSERT_TRUE(source.ok());
  RecordBlock block;
  ASSERT_TRUE((*source)->Next(block).value());
  const uint64_t kept = (*source)->bytes_read() + 100;
  std::filesystem::resize_file(path, kept);
  absl::StatusOr<bool> more = (*source)->Next(block);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(std::string(more.status().message()),
            path + ": became shorter while it was read, at byte " + std::to_string(kept));
  EXPECT_FALSE((*source)->Next(block).value()) << "after an error there is nothing more";
}

}  // namespace
}  // namespace inlay::analysis
