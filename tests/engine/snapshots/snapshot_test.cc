// Saving the values of owners, and loading them into other maps.

#include "inlay/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/engine/snapshots/snapshot_fixture.h"
#include "tests/engine/sockets/sockets_fixture.h"
#include "tests/failing_allocations.h"

namespace inlay {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr uint32_t kSavedBytes = 24;

MapOptions Named(uint32_t width_bits, uint32_t value_bytes = kSavedBytes) {
  return {
      .name = "policy", .value_bytes = value_bytes, .width_bits = width_bits, .background = false};
}

// Owner i of 200 has value i % 50, but for each seventh, which has none.
void Fill(SavedOwners& saved) {
  for (size_t owner = 0; owner < saved.owners().size(); ++owner) {
    if (owner % 7 != 0) {
      ASSERT_EQ(saved.Put(owner, owner % 50), Status::kOk);
    }
  }
}

TEST_F(SnapshotTest, AnotherMapGetsTheSameValues) {
  SavedOwners saved(Named(10), 200);
  Fill(saved);
  SnapshotHeader header;
  ASSERT_EQ(saved.Save(path_, &error_, 3, &header), Status::kOk) << error_;
  EXPECT_EQ(header.name, "policy");
  EXPECT_EQ(header.schema, 3U);
  EXPECT_EQ(header.value_bytes, kSavedBytes);
  EXPECT_EQ(header.width_bits, 10U);
  EXPECT_EQ(header.values, 50U);
  EXPECT_EQ(header.owners, 171U);
  EXPECT_EQ(FilesInFolder(), 1U);

  for (const bool owners_are_new : {false, true}) {
    SavedOwners loaded(Named(10), 200);
    LoadResult result;
    ASSERT_EQ(loaded.Load(path_, {.schema = 3, .owners_are_new = owners_are_new}, &result, &error_),
              Status::kOk)
        << error_;
    EXPECT_EQ(loaded.AllHeld(), saved.AllHeld());
    EXPECT_EQ(result.header.name, "policy");
    EXPECT_EQ(result.owners, 171U);
    EXPECT_EQ(result.unknown + result.unfit + result.failed + result.spilled, 0U);
    EXPECT_EQ(result.migrated, 0U);
    EXPECT_EQ(loaded.map().stats().table.live, 50U);
  }
}

// Also where a new owner gets its value by a plain store.
TEST_F(SnapshotTest, AStoreThatRecordsOwnersKnowsThoseThatAreLoaded) {
  SavedOwners saved(Named(10), 3);
  for (size_t owner = 0; owner < 3; ++owner) ASSERT_EQ(saved.Put(owner, owner), Status::kOk);
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk) << error_;
  for (const bool owners_are_new : {false, true}) {
    SavedOwners loaded(Named(10), 3, {.record_owners = true});
    LoadResult result;
    ASSERT_EQ(loaded.Load(path_, {.owners_are_new = owners_are_new}, &result, &error_), Status::kOk)
        << error_;
    size_t open = 0;
    loaded.store().ForEachOpenOwner([&](const OpenOwner& owner) { open += owner.values; });
    EXPECT_EQ(open, 3U) << "new: " << owners_are_new;
  }
}

TEST_F(SnapshotTest, AnEmptyMapIsSavedAndLoaded) {
  SavedOwners saved(Named(10), 0);
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk) << error_;
  SavedOwners loaded(Named(10), 3);
  LoadResult result;
  EXPECT_EQ(loaded.Load(path_, {}, &result, &error_), Status::kOk) << error_;
  EXPECT_EQ(result.owners, 0U);
}

TEST_F(SnapshotTest, OwnersKeepOrLoseWhatTheyHadByTheirKeys) {
  SavedOwners saved(Named(10), 2);
  ASSERT_EQ(saved.Put(0, 1), Status::kOk);
  ASSERT_EQ(saved.Put(1, 2), Status::kOk);
  // Keys that do not follow each other.
  ASSERT_EQ(SaveSnapshot(
                saved.map(), path_, {},
                [&](SnapshotSaver& save) {
                  save(1'000'000'000'000, saved.owners()[0]);
                  save(7, saved.owners()[1]);
                },
                &error_),
            Status::kOk);
  SavedOwners loaded(Named(10), 3);
  ASSERT_EQ(loaded.Put(0, 50), Status::kOk);
  ASSERT_EQ(loaded.Put(1, 51), Status::kOk);
  LoadResult result;
  ASSERT_EQ(
      LoadSnapshot(
          loaded.map(), path_, {},
          [&](OwnerKey key) { return key == 7 ? &loaded.owners()[0] : nullptr; }, &result, &error_),
      Status::kOk);
  EXPECT_EQ(result.unknown, 1U);
  EXPECT_EQ(result.owners, 1U);
  EXPECT_EQ(loaded.Held(0), NumberedValue(2, kSavedBytes));
  EXPECT_EQ(loaded.Held(1), NumberedValue(51, kSavedBytes));
  EXPECT_TRUE(loaded.Held(2).empty());
  EXPECT_EQ(loaded.map().stats().table.live, 2U) << "who is unknown keeps no reference";
}

// From a map that spills to wider ones and narrower ones, and the other way.
TEST_F(SnapshotTest, MapsOfAllWidthsTakeEachOthersValues) {
  for (const uint32_t from : {2U, 5U, 16U}) {
    SavedOwners saved(Named(from), 200);
    Fill(saved);
    ASSERT_EQ(saved.map().stats().spilled_now > 0, from < 6);
    ASSERT_EQ(saved.Save(path_, &error_), Status::kOk) << error_;
    for (const uint32_t to : {2U, 5U, 6U, 16U}) {
      for (const bool owners_are_new : {false, true}) {
        SavedOwners loaded(Named(to), 200);
        LoadResult result;
        ASSERT_EQ(loaded.Load(path_, {.owners_are_new = owners_are_new}, &result, &error_),
                  Status::kOk)
            << error_;
        EXPECT_EQ(result.header.values, 50U);
        EXPECT_EQ(loaded.AllHeld(), saved.AllHeld());
        EXPECT_EQ(result.spilled, loaded.map().stats().spilled_now);
        EXPECT_EQ(result.spilled > 0, to < 6);
      }
    }
  }
}

// If the map is narrow, those values get an index that most owners have.
TEST_F(SnapshotTest, TheMostUsedValuesGetIndexes) {
  SavedOwners saved(Named(10), 100);
  for (size_t owner = 0; owner < 100; ++owner) {
    ASSERT_EQ(saved.Put(owner, owner < 20 ? owner : 1000 + owner % 2), Status::kOk);
  }
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk);
  SavedOwners loaded(Named(2), 100);
  LoadResult result;
  ASSERT_EQ(loaded.Load(path_, {}, &result, &error_), Status::kOk);
  EXPECT_EQ(result.spilled, 20U);
  EXPECT_EQ(loaded.AllHeld(), saved.AllHeld());
}

TEST_F(SnapshotTest, MoreValuesThanAnIndexOf16BitsNames) {
  SavedOwners saved(Named(16, 8), 70'000);
  for (size_t owner = 0; owner < 70'000; ++owner) ASSERT_EQ(saved.Put(owner, owner), Status::kOk);
  SnapshotHeader header;
  ASSERT_EQ(saved.Save(path_, &error_, 0, &header), Status::kOk);
  EXPECT_EQ(header.values, 70'000U);
  SavedOwners loaded(Named(16, 8), 70'000);
  LoadResult result;
  ASSERT_EQ(loaded.Load(path_, {.owners_are_new = true}, &result, &error_), Status::kOk);
  EXPECT_EQ(loaded.AllHeld(), saved.AllHeld());
  EXPECT_EQ(result.spilled, 70'000U - 65'534U);
}

TEST_F(SnapshotTest, AnotherSchemaNameOrSizeIsRefusedWithTheReason) {
  SavedOwners saved(Named(10), 5);
  ASSERT_EQ(saved.Put(0, 1), Status::kOk);
  ASSERT_EQ(saved.Save(path_, &error_, 3), Status::kOk);
  LoadResult result;
  SavedOwners same(Named(10), 5);
  EXPECT_EQ(same.Load(path_, {.schema = 4}, &result, &error_), Status::kIncompatible);
  EXPECT_EQ(error_, path_ +
                        ": has values of 24 bytes with schema 3, and the map has values of 24 "
                        "bytes with schema 4");
  SavedOwners larger(Named(10, 32), 5);
  EXPECT_EQ(larger.Load(path_, {.schema = 3}, &result, &error_), Status::kIncompatible);
  EXPECT_THAT(error_, HasSubstr("has values of 24 bytes"));
  SavedOwners other({.name = "other", .value_bytes = kSavedBytes}, 5);
  EXPECT_EQ(other.Load(path_, {.schema = 3}, &result, &error_), Status::kIncompatible);
  EXPECT_EQ(error_, path_ + ": is of a map named 'policy', and not 'other'");
  EXPECT_EQ(other.Load(path_, {.schema = 3, .any_name = true}, &result, &error_), Status::kOk);
  EXPECT_TRUE(same.Held(0).empty());
  EXPECT_TRUE(larger.Held(0).empty());
  EXPECT_FALSE(other.Held(0).empty());
}

TEST_F(SnapshotTest, AMigrationRunsOnceForEachDistinctValue) {
  SavedOwners saved(Named(10), 200);
  Fill(saved);
  ASSERT_EQ(saved.Save(path_, &error_, 1), Status::kOk);
  SavedOwners loaded(Named(10, 8), 200);
  int calls = 0;
  // Two old values become one.
  const auto halve = [&](const SnapshotHeader& from, std::span<const std::byte> old,
                         std::span<std::byte> value) {
    ++calls;
    EXPECT_EQ(from.schema, 1U);
    EXPECT_EQ(old.size(), kSavedBytes);
    EXPECT_EQ(value.size(), 8U);
    uint64_t number = 0;
    std::memcpy(&number, old.data(), sizeof(number));
    number /= 2;
    std::memcpy(value.data(), &number, sizeof(number));
    return true;
  };
  LoadResult result;
  ASSERT_EQ(loaded.Load(path_, {.schema = 2, .migrate = halve}, &result, &error_), Status::kOk);
  EXPECT_EQ(calls, 50);
  EXPECT_EQ(result.migrated, 50U);
  EXPECT_EQ(loaded.map().stats().table.live, 25U);
  for (size_t owner = 0; owner < 200; ++owner) {
    EXPECT_EQ(loaded.Held(owner), owner % 7 != 0 ? NumberedValue(owner % 50 / 2, 8) : Bytes());
  }
}

TEST_F(SnapshotTest, AValueThatCannotBeMigratedChangesNothing) {
  SavedOwners saved(Named(10), 20);
  Fill(saved);
  ASSERT_EQ(saved.Save(path_, &error_, 1), Status::kOk);
  SavedOwners loaded(Named(10), 20);
  ASSERT_EQ(loaded.Put(1, 99), Status::kOk);
  int calls = 0;
  const auto fail = [&](const auto&...) { return ++calls < 5; };
  LoadResult result;
  EXPECT_EQ(loaded.Load(path_, {.schema = 2, .migrate = fail}, &result, &error_),
            Status::kIncompatible);
  EXPECT_EQ(error_, path_ + ": value 5 of 17 cannot be migrated");
  EXPECT_EQ(loaded.Held(1), NumberedValue(99, kSavedBytes));
  EXPECT_TRUE(loaded.Held(2).empty());
  EXPECT_EQ(loaded.map().stats().table.live, 1U);
}

// --- damage

TEST_F(SnapshotTest, EveryFlippedByteAndEveryLengthIsRefused) {
  SavedOwners saved(Named(10), 12);
  Fill(saved);
  ASSERT_EQ(SaveSnapshot(
                saved.map(), path_, {.schema = 1},
                [&](SnapshotSaver& save) {
                  for (size_t i = 0; i < 12; ++i) save(i * i, saved.owners()[i]);
                },
                &error_),
            Status::kOk);
  const std::string whole = Contents(path_);
  ASSERT_GT(whole.size(), 300U);
  SavedOwners loaded(Named(10), 12);
  ASSERT_EQ(loaded.Put(1, 99), Status::kOk);
  const std::vector<Bytes> before = loaded.AllHeld();
  const auto expect_refused = [&](const std::string& contents, const std::string& damage) {
    SCOPED_TRACE(damage);
    Put(path_, contents);
    LoadResult result;
    error_.clear();
    EXPECT_EQ(loaded.Load(path_, {.schema = 1}, &result, &error_), Status::kDamaged);
    EXPECT_THAT(error_, StartsWith(path_ + ": "));
    EXPECT_GT(error_.size(), path_.size() + 10);
    SnapshotHeader header;
    EXPECT_EQ(ReadSnapshotHeader(path_, &header, nullptr), Status::kDamaged);
  };
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {1, 0x80, 0xff}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ flip);
      expect_refused(flipped, "byte " + std::to_string(at));
    }
    expect_refused(whole.substr(0, at), std::to_string(at) + " bytes");
  }
  expect_refused(whole + '\0', "a byte more");
  EXPECT_EQ(loaded.AllHeld(), before);
  EXPECT_EQ(loaded.map().stats().table.live, 1U);
  Put(path_, whole);
  LoadResult result;
  EXPECT_EQ(loaded.Load(path_, {.schema = 1}, &result, &error_), Status::kOk) << error_;
}

TEST_F(SnapshotTest, TheTextSaysWhatIsWrong) {
  SavedOwners saved(Named(10), 12);
  Fill(saved);
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk);
  const std::string whole = Contents(path_);
  const auto text_of = [&](const std::string& contents) {
    Put(path_, contents);
    SnapshotHeader header;
    EXPECT_EQ(ReadSnapshotHeader(path_, &header, &error_), Status::kDamaged);
    return error_.substr(path_.size() + 2);
  };
  EXPECT_EQ(text_of("short"), "ends in its head, after 5 bytes");
  EXPECT_EQ(text_of(std::string(200, 'x')), "is no snapshot of a map");
  EXPECT_EQ(text_of(whole.substr(0, 100)),
            "ends after 100 of " + std::to_string(whole.size()) + " bytes");
  EXPECT_EQ(text_of(whole + "x"), "goes on after its " + std::to_string(whole.size()) + " bytes");
  std::string flipped = whole;
  flipped[20] = '?';
  EXPECT_EQ(text_of(flipped), "its head is damaged");
  flipped = whole;
  flipped[whole.size() - 20] ^= 1;
  EXPECT_EQ(text_of(flipped), "its contents are damaged");
}

TEST_F(SnapshotTest, AMissingFileOrFolderIsNamed) {
  SavedOwners owners(Named(10), 3);
  LoadResult result;
  EXPECT_EQ(owners.Load(path_, {}, &result, &error_), Status::kNotFound);
  EXPECT_EQ(error_, path_ + ": open: No such file or directory");
  EXPECT_EQ(owners.Save(folder_ + "/no/map", &error_), Status::kNotFound);
  EXPECT_EQ(error_, folder_ + "/no/map.saving: open: No such file or directory");
  EXPECT_EQ(owners.Save(folder_ + "/no/map", nullptr), Status::kNotFound);
  EXPECT_EQ(owners.Load(folder_, {}, &result, &error_), Status::kDamaged);
  EXPECT_EQ(error_, folder_ + ": is no file");
}

TEST_F(SnapshotTest, ASaveThatFailsLeavesTheOldFileAndNothingElse) {
  SavedOwners saved(Named(10), 12);
  Fill(saved);
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk);
  const std::string old = Contents(path_);
  ASSERT_EQ(saved.Put(1, 77), Status::kOk);
  EXPECT_GE(FailEachAllocation([&] { return saved.Save(path_, &error_); },
                               [&] {
                                 EXPECT_EQ(Contents(path_), old);
                                 EXPECT_EQ(FilesInFolder(), 1U);
                               }),
            2);
  EXPECT_NE(Contents(path_), old);
  // A folder with that name cannot be replaced by a file.
  const std::string taken = folder_ + "/taken";
  ASSERT_TRUE(std::filesystem::create_directory(taken));
  EXPECT_EQ(saved.Save(taken, &error_), Status::kIo);
  EXPECT_EQ(error_, taken + ": is no regular file, and so is not replaced");
  EXPECT_EQ(FilesInFolder(), 2U);
}

TEST_F(SnapshotTest, V4ALoadWithoutMemoryChangesNothing) {
  SavedOwners saved(Named(10), 12);
  Fill(saved);
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk);
  SavedOwners loaded(Named(10), 12);
  LoadResult result;
  EXPECT_GE(FailEachAllocation([&] { return loaded.Load(path_, {}, &result, &error_); },
                               [&] {
                                 for (const Bytes& held : loaded.AllHeld()) {
                                   EXPECT_TRUE(held.empty());
                                 }
                                 EXPECT_EQ(loaded.map().stats().table.live, 0U);
                               }),
            3);
  EXPECT_EQ(loaded.AllHeld(), saved.AllHeld());
}

TEST_F(SnapshotTest, OwnersWithoutMemoryForAPrivateValueAreCounted) {
  SavedOwners saved(Named(10), 40);
  for (size_t owner = 0; owner < 40; ++owner) ASSERT_EQ(saved.Put(owner, owner), Status::kOk);
  ASSERT_EQ(saved.Save(path_, &error_), Status::kOk);
  SavedOwners loaded(Named(2), 40, {.spill_limit_bytes = 0});
  LoadResult result;
  EXPECT_EQ(loaded.Load(path_, {}, &result, &error_), Status::kSpillLimit);
  EXPECT_EQ(result.failed, 38U);
  EXPECT_EQ(result.owners, 2U);
}

// A save has of each owner a value that it had, and what it writes is sound, whatever writers do.
TEST_F(SnapshotTest, WritersGoOnDuringASave) {
  SavedOwners saved(Named(5), 64);
  for (size_t owner = 0; owner < 64; ++owner) ASSERT_EQ(saved.Put(owner, owner), Status::kOk);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (uint64_t round = 1; !done; ++round) {
      for (size_t owner = 0; owner < 64; ++owner) {
        ASSERT_EQ(saved.Put(owner, owner + 64 * (round % 100)), Status::kOk);
      }
    }
  });
  for (int round = 0; round < 50; ++round) {
    ASSERT_EQ(saved.Save(path_, &error_), Status::kOk);
    SavedOwners loaded(Named(16), 64);
    LoadResult result;
    ASSERT_EQ(loaded.Load(path_, {}, &result, &error_), Status::kOk) << error_;
    for (size_t owner = 0; owner < 64; ++owner) {
      uint64_t number = 0;
      const Bytes held = loaded.Held(owner);
      ASSERT_EQ(held.size(), kSavedBytes);
      std::memcpy(&number, held.data(), sizeof(number));
      ASSERT_EQ(number % 64, owner);
      ASSERT_EQ(held, NumberedValue(number, kSavedBytes));
    }
  }
  done = true;
  writer.join();
}

// In a replaceable map an index may have another value later in the same save.
TEST_F(SnapshotTest, AnOwnerIsSavedWithAValueThatItHad) {
  MapOptions options = Named(5);
  options.replaceable = true;
  SavedOwners saved(options, 2);
  ASSERT_EQ(saved.Put(0, 1), Status::kOk);
  const auto save_both = [&](SnapshotSaver& save) {
    save(0, saved.owners()[0]);
    const Bytes two = NumberedValue(2, kSavedBytes);
    ASSERT_EQ(saved.map().Replace(NumberedValue(1, kSavedBytes), two), Status::kOk);
    ASSERT_EQ(saved.Put(1, 2), Status::kOk);
    save(1, saved.owners()[1]);
  };
  ASSERT_EQ(SaveSnapshot(saved.map(), path_, {}, save_both, &error_, nullptr), Status::kOk);
  SavedOwners loaded(options, 2);
  LoadResult result;
  ASSERT_EQ(loaded.Load(path_, {}, &result, &error_), Status::kOk) << error_;
  EXPECT_EQ(loaded.Held(0), NumberedValue(1, kSavedBytes));
  EXPECT_EQ(loaded.Held(1), NumberedValue(2, kSavedBytes));
}

// --- sockets

class SocketSnapshotTest : public SocketsTest {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "inlay_XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

// Private values behind storage pointers, and maps that have fallen back.
TEST_F(SocketSnapshotTest, SocketsAreOwnersToo) {
  const std::string path = folder_ + "/map";
  std::string error;
  for (const uint32_t from_bits : {64U, 0U}) {
    SocketTableOptions options;
    options.inline_bits = from_bits;
    MakeTable(options);
    std::unique_ptr<IndexMap> map = MakeMap<IndexMap>({.value_bytes = 16, .width_bits = 2});
    const std::vector<Socket*> sockets = OpenSockets(20);
    for (uint64_t n = 0; n < 20; ++n) ASSERT_EQ(Put(*map, *sockets[n], n % 9), Status::kOk);
    ASSERT_EQ(SaveSnapshot(
                  *map, path, {},
                  [&](SnapshotSaver& save) {
                    for (size_t i = 0; i < 20; ++i) save(i, *sockets[i]);
                  },
                  &error),
              Status::kOk)
        << error;
    std::unique_ptr<SocketTable> first = std::move(table_);
    for (const uint32_t to_bits : {64U, 0U}) {
      options.inline_bits = to_bits;
      MakeTable(options);
      std::unique_ptr<IndexMap> loaded = MakeMap<IndexMap>({.value_bytes = 16, .width_bits = 3});
      EXPECT_EQ(loaded->is_interned(), to_bits != 0);
      const std::vector<Socket*> others = OpenSockets(20);
      LoadResult result;
      ASSERT_EQ(LoadSnapshot(
                    *loaded, path, {.owners_are_new = true},
                    [&](OwnerKey key) { return others[key]; }, &result, &error),
                Status::kOk)
          << error;
      EXPECT_EQ(result.owners, 20U);
      EXPECT_EQ(result.header.values, 9U);
      for (uint64_t n = 0; n < 20; ++n) EXPECT_EQ(Held(*loaded, *others[n]), Value(*loaded, n % 9));
      std::string reason;
      EXPECT_TRUE(table_->store().CheckInvariants(&reason)) << reason;
      loaded.reset();
    }
    map.reset();
  }
}

}  // namespace
}  // namespace inlay
