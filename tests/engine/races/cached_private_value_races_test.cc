// The private value of an owner with storage, as a get finds it: in the storage's cache, or by the
// storage's list where another map has the place in the cache. It looks there again, after it has
// read the code. See also spilled_value_races_test.cc.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "inlay/inline_words.h"
#include "inlay/local_storage.h"
#include "inlay/rcu.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/races/two_value_map.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct CachedOwner {
  InlineWords<16> words;
  StoragePointer pointer;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
  StoragePointer& storage_pointer() { return pointer; }
};

// As many maps as the cache has places, so that the map of private values shares one.
constexpr int kAllPlaces = 16;

// With other values in the owner's storage, which therefore stays when the private value goes.
class CachedPrivateValueTest : public TwoValueMap<CachedOwner>,
                               public testing::WithParamInterface<int> {
 protected:
  CachedPrivateValueTest() {
    MapOptions options;
    options.value_bytes = 8;
    const uint64_t value = 5;
    for (int i = 0; i < GetParam(); ++i) {
      std::unique_ptr<LocalStorageMap>& map = others_.emplace_back();
      EXPECT_EQ(LocalStorageMap::Create(domain_, options, &map), Status::kOk);
      EXPECT_EQ(map->Update(owner_.pointer, std::as_bytes(std::span(&value, 1)), UpdateFlag::kAny),
                Status::kOk);
    }
    for (uint64_t kept = 0; kept < 2; ++kept) Update(keepers_[kept], kept);
  }
  ~CachedPrivateValueTest() override {
    for (const auto& map : others_) EXPECT_EQ(map->Delete(owner_.pointer), Status::kOk);
    for (CachedOwner* owner : {&keepers_[0], &keepers_[1], &owner_}) store_->Close(*owner);
  }

  // Puts the other maps' values into the cache.
  void GetOthers() {
    const ReadSection section;
    for (const auto& map : others_) EXPECT_NE(map->Get(owner_.pointer), nullptr);
  }

  std::vector<std::unique_ptr<LocalStorageMap>> others_;
  CachedOwner keepers_[2];
  CachedOwner owner_;
};
INSTANTIATE_TEST_SUITE_P(Races, CachedPrivateValueTest, testing::Values(1, kAllPlaces),
                         [](const auto& test) {
                           return std::string(test.param == 1 ? "InTheCache" : "OutOfTheCache");
                         });

TEST_P(CachedPrivateValueTest, AGetNeverReturnsAValueThatItsOwnerNeverHeld) {
  Update(owner_, 2);
  Status status = Status::kOk;
  std::unique_ptr<StoppedThread> writer;
  // The get has seen the spilled code. Now the value gets an index, and another writer stores a
  // private value, which the get finds.
  const AtTestPoint code_read("find_private.begins", [&] {
    std::thread([&] { Update(owner_, 0); }).join();
    writer = std::make_unique<StoppedThread>(
        "spill.private_put", [&] { status = TryUpdate(owner_, 999, UpdateFlag::kExist); });
    ASSERT_TRUE(writer->stopped());
    GetOthers();
  });
  // That writer loses to a delete. Then a third one wins, so that the code is the spilled one.
  const AtTestPoint value_read("find_private.value_read", [&] {
    std::thread([&] { EXPECT_EQ(map_->Delete(owner_), Status::kOk); }).join();
    writer->Finish();
    EXPECT_EQ(status, Status::kNotFound);
    std::thread([&] { Update(owner_, 7); }).join();
  });
  EXPECT_EQ(Get(owner_), 7U);
  EXPECT_NE(writer, nullptr);
}

}  // namespace
}  // namespace inlay
