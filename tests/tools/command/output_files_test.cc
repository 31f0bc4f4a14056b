// Files are written whole, or not at all.

#include "tools/command/output/output_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>

#include "tests/tools/temporary_files.h"

namespace inlay {
namespace {

size_t FilesIn(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

class OutputFilesTest : public testing::Test {
 protected:
  const TemporaryFiles files_;
};

TEST_F(OutputFilesTest, WritesAndReplaces) {
  const std::string a = files_.Path("a");
  const std::string b = files_.Write("b", "old");
  ASSERT_EQ(chmod(b.c_str(), 0640), 0);
  ASSERT_TRUE(WriteFiles({{a, "new a"}, {b, std::string(3'000'000, 'b')}}).ok());
  EXPECT_EQ(Content(a), "new a");
  EXPECT_EQ(Content(b), std::string(3'000'000, 'b'));
  EXPECT_EQ(FilesIn(files_.Path("")), 2U) << "nothing else is left";
  struct stat status;
  ASSERT_EQ(stat(b.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(OutputFilesTest, FollowsLinks) {
  const std::string target = files_.Write("target", "old");
  std::filesystem::create_symlink(target, files_.Path("link"));
  ASSERT_TRUE(WriteFiles({{files_.Path("link"), "new"}}).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(files_.Path("link")));
  EXPECT_EQ(Content(target), "new");
}

TEST_F(OutputFilesTest, WritesNothingIfOneCannotBeWritten) {
  const std::string good = files_.Write("good", "old");
  const std::string folder = files_.Path("folder");
  std::filesystem::create_directory(folder);
  const std::string nowhere = files_.Path("nowhere/file");
  for (const std::string& bad : {folder, nowhere, std::string("/dev/null"), std::string()}) {
    const absl::Status status = WriteFiles({{good, "new"}, {bad, "x"}});
    EXPECT_FALSE(status.ok()) << bad;
    EXPECT_TRUE(bad.empty() || std::string(status.message()).starts_with(bad)) << status;
    EXPECT_EQ(Content(good), "old") << bad;
    EXPECT_EQ(FilesIn(files_.Path("")), 2U) << bad << ": something is left";
  }
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(OutputFilesTest, RefusesOneFileTwice) {
  const std::string path = files_.Write("a", "old");
  std::filesystem::create_symlink(path, files_.Path("link"));
  EXPECT_FALSE(WriteFiles({{path, "1"}, {path, "2"}}).ok());
  EXPECT_FALSE(WriteFiles({{path, "1"}, {files_.Path("link"), "2"}}).ok());
  EXPECT_EQ(Content(path), "old");
}

TEST_F(OutputFilesTest, AFileThatCannotBeFinishedIsNotThere) {
  const std::string path = files_.Write("a", "old");
  // As on a full disk: the first bytes are written, and then no more.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  rlimit limit = old_limit;
  limit.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const absl::Status status = WriteFiles({{path, std::string(5000, 'x')}});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Content(path), "old");
  EXPECT_EQ(FilesIn(files_.Path("")), 1U);
}

}  // namespace
}  // namespace inlay
