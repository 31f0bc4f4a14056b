// SnapshotTest: a folder for snapshots, and plain owners of a map that is saved or loaded.

#ifndef INLAY_TESTS_ENGINE_SNAPSHOTS_SNAPSHOT_FIXTURE_H_
#define INLAY_TESTS_ENGINE_SNAPSHOTS_SNAPSHOT_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/snapshot.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {

// A store, a map, and owners with the keys 0, 1, 2...
class SavedOwners {
 public:
  SavedOwners(const MapOptions& options, size_t owners, StoreOptions store_options = {})
      : owners_(owners) {
    store_options.reserved_bits = 16;
    EXPECT_EQ(Store::Create(store_options, &store_), Status::kOk);
    EXPECT_EQ(IndexMap::Create(*store_, options, &map_), Status::kOk);
  }
  ~SavedOwners() {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    for (PlainOwner<16>& owner : owners_) store_->Close(owner);
    EXPECT_EQ(map_->stats().table.live, 0U) << "a reference is left";
    EXPECT_EQ(map_->stats().spilled_now, 0U);
    map_.reset();
  }
  SavedOwners(const SavedOwners&) = delete;
  SavedOwners& operator=(const SavedOwners&) = delete;

  IndexMap& map() { return *map_; }
  Store& store() { return *store_; }
  std::vector<PlainOwner<16>>& owners() { return owners_; }

  Status Put(size_t owner, uint64_t n) {
    return map_->Update(owners_[owner], NumberedValue(n, map_->value_bytes()), UpdateFlag::kAny);
  }
  Bytes Held(size_t owner) {
    const ReadSection section;
    return Copied(map_->Get(owners_[owner]), map_->value_bytes());
  }
  std::vector<Bytes> AllHeld() {
    std::vector<Bytes> held;
    for (size_t owner = 0; owner < owners_.size(); ++owner) held.push_back(Held(owner));
    return held;
  }

  Status Save(const std::string& path, std::string* error, uint64_t schema = 0,
              SnapshotHeader* saved = nullptr) {
    return SaveSnapshot(
        *map_, path, {.schema = schema},
        [this](SnapshotSaver& save) {
          for (size_t owner = 0; owner < owners_.size(); ++owner) save(owner, owners_[owner]);
        },
        error, saved);
  }
  Status Load(const std::string& path, const LoadOptions& options, LoadResult* result,
              std::string* error) {
    return LoadSnapshot(
        *map_, path, options,
        [this](OwnerKey key) { return key < owners_.size() ? &owners_[key] : nullptr; }, result,
        error);
  }

 private:
  std::vector<PlainOwner<16>> owners_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

class SnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "inlay_XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder_ + "/map";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void Put(const std::string& path, const std::string& contents) {
    std::ofstream(path, std::ios::binary) << contents;
  }
  size_t FilesInFolder() const {
    const std::filesystem::directory_iterator files(folder_);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  std::string folder_;
  std::string path_;
  std::string error_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_SNAPSHOTS_SNAPSHOT_FIXTURE_H_
