// Writers of one owner that meet between two steps of an update, and an owner that dies there. Test
// points force every order.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/races/two_value_map.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct MortalOwner {
  InlineWords<16> words;
  bool dying = false;
  InlineWords<16>& inline_words() { return words; }
  const InlineWords<16>& inline_words() const { return words; }
  bool is_dying() const { return dying; }
};

void OnAnotherThread(const std::function<void()>& run) { std::thread(run).join(); }

// A table of two values, of which a keeper holds 0.
class UpdateRacesTest : public TwoValueMap<MortalOwner> {
 protected:
  UpdateRacesTest() { Update(keeper_, 0); }
  ~UpdateRacesTest() override {
    for (MortalOwner* owner : {&keeper_, &owner_, &other_}) store_->Close(*owner);
  }

  // As an embedder takes an owner down that others still write to.
  void DieAndClose(MortalOwner& owner) {
    owner.dying = true;
    store_->Close(owner);
  }
  // Modify() by `change`, and how often it was called.
  int Modify(MortalOwner& owner, const std::function<uint64_t(int call, uint64_t)>& change) {
    int calls = 0;
    EXPECT_EQ(map_->Modify(owner,
                           [&](std::span<std::byte> bytes) {
                             uint64_t value = 0;
                             std::memcpy(&value, bytes.data(), sizeof(value));
                             value = change(++calls, value);
                             std::memcpy(bytes.data(), &value, sizeof(value));
                           }),
              Status::kOk);
    return calls;
  }

  MortalOwner keeper_;
  MortalOwner owner_;
  MortalOwner other_;
};

TEST_F(UpdateRacesTest, AnOwnerThatDiesMeanwhileGetsNoIndex) {
  for (const char* const point : {"intern.searched", "update.interned"}) {
    SCOPED_TRACE(point);
    owner_.dying = false;
    const AtTestPoint dies(point, [&] { DieAndClose(owner_); });
    EXPECT_EQ(TryUpdate(owner_, 0, UpdateFlag::kAny), Status::kNotFound);
    EXPECT_EQ(Get(owner_), kAbsent) << "nobody closes it again";
    EXPECT_EQ(map_->table().total_references(), 1U);
  }
}

TEST_F(UpdateRacesTest, AnOwnerThatDiesMeanwhileGetsNoPrivateValue) {
  Update(other_, 1);
  const AtTestPoint dies("intern.searched", [&] { DieAndClose(owner_); });
  EXPECT_EQ(TryUpdate(owner_, 2, UpdateFlag::kAny), Status::kNotFound);
  EXPECT_EQ(Get(owner_), kAbsent);
  EXPECT_EQ(map_->stats().spilled_now, 0U);
}

TEST_F(UpdateRacesTest, AnUpdateThatLosesGivesItsReferenceBack) {
  const AtTestPoint loses("update.interned", [&] {
    OnAnotherThread([&] { EXPECT_EQ(TryUpdate(owner_, 1, UpdateFlag::kNoExist), Status::kOk); });
  });
  EXPECT_EQ(TryUpdate(owner_, 0, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(Get(owner_), 1U);
  EXPECT_EQ(map_->table().total_references(), 2U) << "the keeper's, and the winner's";
}

TEST_F(UpdateRacesTest, AnUpdateAfterAnotherOneReleasesItsIndex) {
  const AtTestPoint loses("update.interned", [&] { OnAnotherThread([&] { Update(owner_, 1); }); });
  EXPECT_EQ(TryUpdate(owner_, 0, UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(Get(owner_), 0U);
  EXPECT_EQ(map_->table().total_references(), 2U) << "the keeper's, and the owner's";
}

TEST_F(UpdateRacesTest, GetOrCreateThatLosesReturnsTheOthersValue) {
  const AtTestPoint loses("intern.searched", [&] { OnAnotherThread([&] { Update(owner_, 0); }); });
  constexpr uint64_t kMine = 1;
  uint64_t held = kAbsent;
  {
    const ReadSection section;
    const std::byte* const found =
        map_->GetOrCreate(owner_, std::as_bytes(std::span(&kMine, 1)), nullptr);
    ASSERT_NE(found, nullptr);
    std::memcpy(&held, found, sizeof(held));
  }
  EXPECT_EQ(held, 0U);
  EXPECT_EQ(map_->table().total_references(), 2U);
}

// The index that the copy was made from comes to name another value only after a grace period.
// Otherwise Modify() would take the new value for the old one, and overwrite it.
TEST_F(UpdateRacesTest, ModifyIsNotFooledByAnIndexThatIsUsedAgain) {
  Update(owner_, 2);
  ASSERT_FALSE(IsSpilled(owner_));
  const int calls = Modify(owner_, [&](int call, uint64_t value) {
    if (call == 1) {
      const bool may_wait = !InReadSection();  // a wait inside would be for ever
      OnAnotherThread([&] {
        Update(owner_, 0);
        if (may_wait) map_->Reclaim();
        Update(owner_, 777);
      });
    }
    return value + 1000;
  });
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(Get(owner_), 1777U);
}

TEST_F(UpdateRacesTest, ModifyThatComesHomeSeesWhatAnotherWriterStoredMeanwhile) {
  Update(other_, 1);
  Update(owner_, 2);
  ASSERT_TRUE(IsSpilled(owner_));
  const int calls = Modify(owner_, [&](int call, uint64_t value) -> uint64_t {
    if (call > 1) return value + 1000;
    OnAnotherThread([&] { Update(owner_, 100); });
    return 0;  // which has an index
  });
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(Get(owner_), 1100U);
}

TEST_F(UpdateRacesTest, AnOwnerThatComesHomeHasItsPrivateValueUntilThen) {
  Update(other_, 1);
  Update(owner_, 2);
  ASSERT_TRUE(IsSpilled(owner_));
  bool passed = false;
  const AtTestPoint before("publish.private_checked", [&] {
    passed = true;
    ASSERT_TRUE(IsSpilled(owner_));
    ASSERT_GT(map_->memory_usage().private_bytes, 0U) << "a get would search for it for ever";
    OnAnotherThread([&] { EXPECT_EQ(Get(owner_), 2U); });
  });
  Update(owner_, 0);
  EXPECT_TRUE(passed);
  EXPECT_EQ(Get(owner_), 0U);
}

// The clone has read the parent's index. Now the parent changes, and its old value is retired.
TEST_F(UpdateRacesTest, AChildDoesNotGetAnIndexThatWasRetired) {
  Update(owner_, 1);
  MortalOwner child;
  MortalOwner spilled;
  const AtTestPoint read("clone.parent_read", [&] {
    OnAnotherThread([&] {
      Update(owner_, 0);
      Update(spilled, 5);  // without an index, the table retires what nobody uses
      EXPECT_TRUE(IsSpilled(spilled));
      EXPECT_EQ(map_->table().stats().live, 1U);
    });
  });
  EXPECT_EQ(store_->Clone(owner_, child), Status::kOk);
  EXPECT_EQ(Get(child), 1U);
  // The index is used again.
  map_->Reclaim();
  Update(other_, 9);
  ASSERT_FALSE(IsSpilled(other_));
  EXPECT_EQ(Get(child), 1U);
  store_->Close(child);
  store_->Close(spilled);
}

// A store that marks closed owners has the mark in the word that the writer swaps.
TEST(ClosedOwnerRacesTest, ACloseThatComesFirstRefusesTheValue) {
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16, .mark_closed = true}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 9}, &map), Status::kOk);
  InlineWords<16> owner;
  const uint64_t value = 1;
  {
    const AtTestPoint interned("update.interned",
                               [&] { OnAnotherThread([&] { store->Close(owner); }); });
    EXPECT_EQ(map->Update(owner, std::as_bytes(std::span(&value, 1)), UpdateFlag::kAny),
              Status::kNotFound);
  }
  EXPECT_EQ(map->table().total_references(), 0U) << "no value has leaked";
}

// The same for a private value, which is put before the code.
TEST(ClosedOwnerRacesTest, ACloseThatComesFirstRefusesAPrivateValue) {
  for (const UpdateFlag flag : {UpdateFlag::kAny, UpdateFlag::kNoExist}) {
    std::unique_ptr<Store> store;
    std::unique_ptr<IndexMap> map;
    ASSERT_EQ(Store::Create({.reserved_bits = 16, .mark_closed = true}, &store), Status::kOk);
    ASSERT_EQ(
        IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 2, .background = false}, &map),
        Status::kOk);
    InlineWords<16> owners[3];
    for (uint64_t value = 0; value < 2; ++value) {
      ASSERT_EQ(map->Update(owners[value], std::as_bytes(std::span(&value, 1)), UpdateFlag::kAny),
                Status::kOk);
    }
    const uint64_t value = 7;
    {
      const AtTestPoint put("spill.private_put",
                            [&] { OnAnotherThread([&] { store->Close(owners[2]); }); });
      EXPECT_EQ(map->Update(owners[2], std::as_bytes(std::span(&value, 1)), flag),
                Status::kNotFound);
    }
    EXPECT_EQ(map->stats().spilled_now, 0U);
    EXPECT_EQ(map->Update(owners[2], std::as_bytes(std::span(&value, 1)), flag), Status::kNotFound);
    store->Close(owners[0]);
    store->Close(owners[1]);
  }
}

}  // namespace
}  // namespace inlay
