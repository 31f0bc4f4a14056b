#include "tools/analysis/bytes/inputs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/bytes/summary_start.h"

namespace inlay::analysis {
namespace {

class InputsTest : public testing::Test {
 protected:
  // The contents of all files, or at the end the message of the first error.
  static Strings Contents(std::vector<std::string> paths) {
    Strings contents;
    absl::StatusOr<Inputs> inputs = Inputs::Open(std::move(paths));
    if (!inputs.ok()) return {std::string(inputs.status().message())};
    for (;;) {
      absl::StatusOr<std::optional<InputFile>> file = inputs->Take();
      if (!file.ok()) contents.emplace_back(file.status().message());
      if (!file.ok() || !file->has_value()) return contents;
      std::vector<uint8_t> bytes(100);
      bytes.resize((*file)->Read(bytes).value_or(0));
      contents.emplace_back(bytes.begin(), bytes.end());
    }
  }

  TemporaryFiles files_;
};

TEST_F(InputsTest, FilesAreTakenInTheirOrderAndWhole) {
  const std::string a = files_.Write("a", "one");
  const std::string b = files_.Write("b", "");
  EXPECT_EQ(Contents({a, b, a}), (Strings{"one", "", "one"}));
  EXPECT_EQ(Contents({}), Strings{"no input file"});
  EXPECT_EQ(Contents({"-", a, "-"}), Strings{"standard input ('-') can be read only once"});
  EXPECT_EQ(Contents({a, files_.Path("none"), b}),
            (Strings{"one", files_.Path("none") + ": cannot open: No such file or directory"}));
}

TEST_F(InputsTest, SummariesAreNotMixedWithOtherFiles) {
  const std::string bytes = files_.Write("bytes", std::string(kSummaryMagic) + "...");
  const std::string line =
      files_.Write("line", absl::Base64Escape(std::string(kSummaryMagic) + "x"));
  const std::string other = files_.Write("other", "1,2\n");
  EXPECT_EQ(Contents({bytes, line}).size(), 2U);
  const std::string tail = " is not; give only summaries or only files of records";
  for (const std::string& summary : {bytes, line}) {
    const std::string message = summary + ": is a summary, and " + other + tail;
    EXPECT_EQ(Contents({summary, other}).back(), message);
    EXPECT_EQ(Contents({other, summary}).back(), message);
    EXPECT_TRUE(Inputs::Open({summary})->are_summaries());
  }
  EXPECT_FALSE(Inputs::Open({other})->are_summaries());
}

// A pipe can be read only once: whoever opens a file twice loses what it held.
TEST_F(InputsTest, EachFileIsOpenedOnce) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "piped", 5), 5);
  close(ends[1]);
  const std::string pipe_path = "/proc/self/fd/" + std::to_string(ends[0]);
  EXPECT_EQ(Contents({files_.Write("a", "one"), pipe_path}), (Strings{"one", "piped"}));
  close(ends[0]);
}

TEST_F(InputsTest, FilesCanBeTakenAlone) {
  const std::string a = files_.Write("a", "one");
  const std::string b = files_.Write("b", "two");
  absl::StatusOr<Inputs> inputs = Inputs::Open({a, b});
  ASSERT_TRUE(inputs.ok());
  for (const std::string& path : {a, b}) {
    absl::StatusOr<std::optional<Inputs>> alone = inputs->TakeAlone();
    ASSERT_TRUE(alone.ok() && alone->has_value());
    EXPECT_EQ((*alone)->first_path(), path);
    EXPECT_EQ((*alone)->size(), 1U);
    EXPECT_EQ((*alone)->total_bytes(), 3U);
    EXPECT_TRUE((*alone)->Take()->has_value());
    EXPECT_FALSE((*alone)->Take()->has_value());
  }
  EXPECT_FALSE(inputs->TakeAlone()->has_value());
}

}  // namespace
}  // namespace inlay::analysis
