// What a snapshot is neither loaded from nor saved over, and owners that get no value from one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "inlay/snapshot.h"
#include "tests/engine/snapshots/snapshot_fixture.h"

namespace inlay {
namespace {

using SnapshotRefusalsTest = SnapshotTest;

const MapOptions kRefusedMap{.value_bytes = 24, .width_bits = 4};

// Nobody writes to it: an open that waits would wait for ever.
TEST_F(SnapshotRefusalsTest, AFifoIsNotLoaded) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  SavedOwners owners(kRefusedMap, 3);
  LoadResult result;
  EXPECT_EQ(owners.Load(path_, {}, &result, &error_), Status::kDamaged);
  EXPECT_EQ(error_, path_ + ": is no file");
  SnapshotHeader header;
  EXPECT_EQ(ReadSnapshotHeader(path_, &header, &error_), Status::kDamaged);
}

TEST_F(SnapshotRefusalsTest, WhatIsNoFileIsNotReplaced) {
  SavedOwners owners(kRefusedMap, 3);
  ASSERT_EQ(owners.Put(0, 1), Status::kOk);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(owners.Save(path_, &error_), Status::kIo);
  EXPECT_EQ(error_, path_ + ": is no regular file, and so is not replaced");
  EXPECT_TRUE(std::filesystem::is_fifo(path_));

  const std::string file = folder_ + "/file";
  const std::string link = folder_ + "/link";
  ASSERT_EQ(owners.Save(file, &error_), Status::kOk) << error_;
  std::filesystem::create_symlink(file, link);
  EXPECT_EQ(owners.Save(link, &error_), Status::kIo);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(FilesInFolder(), 3U) << "nothing else is left";
  EXPECT_EQ(owners.Save(file, &error_), Status::kOk) << error_;
}

// The name under which a file is written until it is whole.
TEST_F(SnapshotRefusalsTest, WhatIsNoFileIsNotWrittenTo) {
  SavedOwners owners(kRefusedMap, 3);
  const std::string saving = path_ + ".saving";
  ASSERT_EQ(mkfifo(saving.c_str(), 0600), 0);
  EXPECT_EQ(owners.Save(path_, &error_), Status::kIo);
  EXPECT_EQ(error_, saving + ": is no regular file, and so is not replaced");
  EXPECT_TRUE(std::filesystem::is_fifo(saving));
}

// Of a store that marks closed owners, also if the caller calls them new.
TEST_F(SnapshotRefusalsTest, AClosedOwnerGetsNoValue) {
  SavedOwners saved(kRefusedMap, 3);
  for (uint64_t n = 0; n < 3; ++n) ASSERT_EQ(saved.Put(n, n), Status::kOk);
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk) << error_;
  for (const bool owners_are_new : {false, true}) {
    SavedOwners loaded(kRefusedMap, 3, {.mark_closed = true});
    loaded.store().Close(loaded.owners()[1]);
    LoadResult result;
    ASSERT_EQ(loaded.Load(path_, {.owners_are_new = owners_are_new}, &result, &error_), Status::kOk)
        << error_;
    EXPECT_EQ(result.owners, 2U);
    EXPECT_EQ(result.unfit, 1U);
    EXPECT_TRUE(loaded.Held(1).empty());
    EXPECT_EQ(loaded.Held(2), NumberedValue(2, 24));
    EXPECT_EQ(loaded.map().table().total_references(), 2U);
  }
}

}  // namespace
}  // namespace inlay
