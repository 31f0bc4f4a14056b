// A file appears at its path with MoveToPlace(), and not before.

#include "tools/command/output/pending_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "tests/tools/temporary_files.h"

namespace inlay {
namespace {

class PendingFileTest : public testing::Test {
 protected:
  size_t Files() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(files_.Path("")), {}));
  }

  const TemporaryFiles files_;
};

TEST_F(PendingFileTest, OneThatIsNotMovedLeavesNothing) {
  const std::string path = files_.Write("a", "old");
  {
    absl::StatusOr<PendingFile> file = PendingFile::Create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Write("new").ok());
    EXPECT_EQ(Files(), 2U);
    const PendingFile moved = *std::move(file);
  }
  EXPECT_EQ(Content(path), "old");
  EXPECT_EQ(Files(), 1U);
}

TEST_F(PendingFileTest, ASeriesIsWrittenFurtherAtItsPlace) {
  const std::string path = files_.Write("a", "old");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  absl::StatusOr<PendingFile> file = PendingFile::Create(path);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Write("first ").ok());
  EXPECT_EQ(Content(path), "old");
  ASSERT_TRUE(file->MoveToPlace().ok());
  EXPECT_EQ(Content(path), "first ");
  ASSERT_TRUE(file->Write("second").ok());
  EXPECT_EQ(Content(path), "first second");
  EXPECT_GE(file->fd(), 0);
  ASSERT_TRUE(file->Close().ok());
  EXPECT_EQ(file->fd(), -1);
  ASSERT_TRUE(file->MoveToPlace().ok());
  EXPECT_EQ(Files(), 1U);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640U);
}

TEST_F(PendingFileTest, AFileThatIsReplacedKeepsItsOwnerAndPermissions) {
  const std::string path = files_.Write("a", "old");
  if (chown(path.c_str(), 12345, 54321) != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  umask(022);
  absl::StatusOr<PendingFile> file = PendingFile::Create(path);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->MoveToPlace().ok());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 12345U);
  EXPECT_EQ(info.st_gid, 54321U);
  EXPECT_EQ(info.st_mode & 07777, 0666U) << "whatever the umask";
}

TEST_F(PendingFileTest, ANameWithoutAFolder) {
  ASSERT_EQ(chdir(files_.Path("").c_str()), 0);
  absl::StatusOr<PendingFile> file = PendingFile::Create("bare");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->place(), std::filesystem::canonical(files_.Path("")) / "bare");
  ASSERT_EQ(chdir("/"), 0) << "where it goes is settled";
  ASSERT_TRUE(file->Write("new").ok());
  ASSERT_TRUE(file->MoveToPlace().ok());
  EXPECT_EQ(Content(files_.Path("bare")), "new");
}

TEST_F(PendingFileTest, WhatIsNoRegularFileIsRefused) {
  const absl::StatusOr<PendingFile> full = PendingFile::Create("/dev/full");
  EXPECT_EQ(std::string(full.status().message()), "/dev/full: exists, and is not a regular file");
  const absl::StatusOr<PendingFile> none = PendingFile::Create(files_.Path("no/folder/a"));
  EXPECT_EQ(std::string(none.status().message()),
            files_.Path("no/folder/a") + ": cannot create the file: No such file or directory");
  EXPECT_FALSE(PendingFile::Create("").ok());
  EXPECT_EQ(Files(), 0U);
}

}  // namespace
}  // namespace inlay
