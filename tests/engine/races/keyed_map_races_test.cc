// A keyed map whose operations meet between two steps. Test points force every order.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct KeyedOwner {
  InlineWords<16> words;
  bool dying = false;
  auto& inline_words() { return words; }
  const auto& inline_words() const { return words; }
  bool is_dying() const { return dying; }
};

// Two indexes. Keys and values are numbers.
class KeyedMapRacesTest : public testing::Test {
 protected:
  static constexpr uint64_t kNone = ~uint64_t{0};

  KeyedMapRacesTest() {
    EXPECT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    EXPECT_EQ((KeyedMap<uint64_t, uint64_t>::Create(
                  *store_, {.width_bits = 2, .background = false, .clone = true}, &map_)),
              Status::kOk);
    EXPECT_EQ(map_->Set(1, 10), Status::kOk);
  }
  ~KeyedMapRacesTest() override {
    store_->Close(owner_);
    store_->Close(child_);
    std::string reason;
    EXPECT_TRUE(map_->bytes().CheckInvariants(&reason)) << reason;
    EXPECT_EQ(references(), map_->bytes().stats().values);
    map_.reset();
    RetireBarrier();
    EXPECT_EQ(store_->account().used_bytes(), 0U);
    EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
  }
  // While `operation` is at `point`, another thread runs `meanwhile`.
  Status At(const char* name, const std::function<Status()>& operation,
            const std::function<void()>& meanwhile) {
    bool passed = false;
    const AtTestPoint point(name, [&] {
      passed = true;
      std::thread(meanwhile).join();
    });
    const Status status = operation();
    EXPECT_TRUE(passed) << name;
    return status;
  }
  void Set(uint64_t key, uint64_t value) { EXPECT_EQ(map_->Set(key, value), Status::kOk); }
  void Erase(uint64_t key) { EXPECT_EQ(map_->Erase(key), Status::kOk); }
  void Assign(uint64_t key) { EXPECT_EQ(map_->Assign(owner_, key), Status::kOk); }
  void Delete() { EXPECT_EQ(map_->Delete(owner_), Status::kOk); }
  uint64_t Get(const KeyedOwner& owner) {
    const ReadSection section;
    const uint64_t* const value = map_->Get(owner);
    return value != nullptr ? *value : kNone;
  }
  uint64_t KeyOf(const KeyedOwner& owner) {
    const ReadSection section;
    const uint64_t* const key = map_->KeyOf(owner);
    return key != nullptr ? *key : kNone;
  }
  uint64_t ValueOf(uint64_t key) {
    const ReadSection section;
    const uint64_t* const value = map_->ValueOf(key);
    return value != nullptr ? *value : kNone;
  }
  uint64_t references() const { return map_->bytes().keys().total_references(); }

  std::unique_ptr<Store> store_;
  std::unique_ptr<KeyedMap<uint64_t, uint64_t>> map_;
  KeyedOwner owner_;
  KeyedOwner child_;
};

// --- Assign

TEST_F(KeyedMapRacesTest, AKeyThatIsErasedMeanwhileIsNamedWithoutAValue) {
  for (const char* const point : {"keyed_assign.checked", "keyed_assign.referenced"}) {
    SCOPED_TRACE(point);
    EXPECT_EQ(At(
                  point, [&] { return map_->Assign(owner_, 1); }, [&] { Erase(1); }),
              Status::kOk);
    EXPECT_EQ(KeyOf(owner_), 1U);
    EXPECT_EQ(Get(owner_), kNone);
    EXPECT_EQ(references(), 1U);
    Set(1, 11);
    EXPECT_EQ(Get(owner_), 11U);
    Delete();
  }
}

// The key is gone before the count, and so cannot be referenced any more; its index does not come
// to name another key while the assignment looks at it.
TEST_F(KeyedMapRacesTest, AKeyThatIsReclaimedMeanwhileIsNotFound) {
  Set(2, 20);
  const auto erase_and_want_its_index = [&] {
    Erase(1);
    EXPECT_EQ(map_->Set(3, 30), Status::kNoIndexes);
    EXPECT_EQ(map_->bytes().stats().keys.reclaimed, 1U);
  };
  EXPECT_EQ(At(
                "keyed_assign.checked", [&] { return map_->Assign(owner_, 1); },
                erase_and_want_its_index),
            Status::kNotFound);
  EXPECT_EQ(KeyOf(owner_), kNone);
  EXPECT_EQ(map_->bytes().EnsureRoom(1), Status::kOk);
  Set(3, 30);
  EXPECT_EQ(Get(owner_), kNone);
}

TEST_F(KeyedMapRacesTest, AKeyThatIsReclaimedIsNotFoundByFindAndEraseEither) {
  Set(2, 20);
  const auto erase_and_want_its_index = [&] {
    Erase(1);
    EXPECT_EQ(map_->Set(3, 30), Status::kNoIndexes);
  };
  KeyRef ref;
  EXPECT_EQ(At(
                "keyed_find.found", [&] { return map_->Find(1, &ref); }, erase_and_want_its_index),
            Status::kNotFound);
  EXPECT_FALSE(ref);
  EXPECT_EQ(map_->bytes().EnsureRoom(1), Status::kOk);
  Set(1, 10);
  EXPECT_EQ(At(
                "keyed_erase.found", [&] { return map_->Erase(1); }, erase_and_want_its_index),
            Status::kNotFound);
  EXPECT_EQ(ValueOf(2), 20U);
}

TEST_F(KeyedMapRacesTest, AnOwnerThatDiesMeanwhileGetsNoKey) {
  EXPECT_EQ(At(
                "keyed_assign.referenced", [&] { return map_->Assign(owner_, 1); },
                [&] {
                  owner_.dying = true;
                  store_->Close(owner_);
                }),
            Status::kNotFound);
  EXPECT_EQ(KeyOf(owner_), kNone) << "nobody closes it again";
  EXPECT_EQ(references(), 1U);
}

// The last moment is after the check whether the owner is closed. The mark is in the word that the
// swap compares.
TEST(KeyedMapOfClosedOwnersTest, AnOwnerThatIsClosedAtTheLastMomentGetsNoKey) {
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyedMap<uint64_t, uint64_t>> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16, .mark_closed = true}, &store), Status::kOk);
  ASSERT_EQ((KeyedMap<uint64_t, uint64_t>::Create(*store, {.width_bits = 9}, &map)), Status::kOk);
  ASSERT_EQ(map->Set(1, 10), Status::kOk);
  KeyedOwner owner;
  bool passed = false;
  {
    const AtTestPoint point("keyed_publish.checked", [&] {
      passed = true;
      std::thread([&] { store->Close(owner); }).join();
    });
    EXPECT_EQ(map->Assign(owner, 1U), Status::kNotFound);
  }
  EXPECT_TRUE(passed);
  EXPECT_EQ(map->Assign(owner, 1U), Status::kNotFound);
  EXPECT_EQ(map->bytes().keys().total_references(), 1U);
  store->Reopen(owner);
  EXPECT_EQ(map->Assign(owner, 1U), Status::kOk);
  store->Close(owner);
}

TEST_F(KeyedMapRacesTest, OneOfTwoAssignmentsGivesItsReferenceBack) {
  Set(2, 20);
  const auto assign = [&](UpdateFlag flag) {
    return At(
        "keyed_assign.referenced", [&] { return map_->Assign(owner_, 1, flag); },
        [&] { Assign(2); });
  };
  EXPECT_EQ(assign(UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(KeyOf(owner_), 2U);
  EXPECT_EQ(references(), 3U);
  EXPECT_EQ(assign(UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(KeyOf(owner_), 1U);
  EXPECT_EQ(references(), 3U);
  Delete();
  EXPECT_EQ(
      At(
          "keyed_assign.referenced", [&] { return map_->Assign(owner_, 1); }, [&] { Assign(1); }),
      Status::kOk);
  EXPECT_EQ(references(), 3U);
}

// --- Set and Erase

TEST_F(KeyedMapRacesTest, ASetAfterAnErasedValueHasAReferenceOfItsOwn) {
  EXPECT_EQ(At(
                "keyed_set.interned", [&] { return map_->Set(1, 11); }, [&] { Erase(1); }),
            Status::kOk);
  EXPECT_EQ(ValueOf(1), 11U);
  EXPECT_EQ(references(), 1U);
  EXPECT_EQ(map_->bytes().stats().replaced, 0U);
}

TEST_F(KeyedMapRacesTest, ASetBetweenTheTwoStepsOfAnErase) {
  EXPECT_EQ(At(
                "keyed_erase.emptied", [&] { return map_->Erase(1); }, [&] { Set(1, 11); }),
            Status::kOk);
  EXPECT_EQ(ValueOf(1), 11U);
  EXPECT_EQ(references(), 1U);
}

TEST_F(KeyedMapRacesTest, OfTwoErasesOneFindsTheValue) {
  EXPECT_EQ(At(
                "keyed_erase.found", [&] { return map_->Erase(1); }, [&] { Erase(1); }),
            Status::kNotFound);
  EXPECT_EQ(references(), 0U);
}

TEST_F(KeyedMapRacesTest, TwoSetsOfANewKey) {
  EXPECT_EQ(At(
                "keyed_set.interned", [&] { return map_->Set(2, 20); }, [&] { Set(2, 21); }),
            Status::kOk);
  EXPECT_EQ(ValueOf(2), 20U);
  EXPECT_EQ(references(), 2U);
  EXPECT_EQ(map_->bytes().stats().replaced, 1U);
}

// A key that has no value yet is not found, although the table holds it.
TEST_F(KeyedMapRacesTest, AKeyIsUnknownUntilItHasAValue) {
  EXPECT_EQ(At(
                "keyed_set.interned", [&] { return map_->Set(2, 20); },
                [&] {
                  KeyRef ref;
                  EXPECT_EQ(ValueOf(2), kNone);
                  EXPECT_EQ(map_->Find(2, &ref), Status::kNotFound);
                  EXPECT_EQ(map_->Assign(owner_, 2), Status::kNotFound);
                  EXPECT_EQ(map_->Erase(2), Status::kNotFound);
                }),
            Status::kOk);
  EXPECT_EQ(ValueOf(2), 20U);
}

// --- Clone

TEST_F(KeyedMapRacesTest, AChildGetsTheKeyThatItsParentHasByThen) {
  Set(2, 20);
  Assign(1);
  EXPECT_EQ(At(
                "keyed_clone.parent_read", [&] { return store_->Clone(owner_, child_); },
                [&] {
                  Assign(2);
                  Erase(1);
                  EXPECT_EQ(map_->Set(3, 30), Status::kNoIndexes);
                  EXPECT_EQ(map_->bytes().stats().keys.reclaimed, 1U);
                }),
            Status::kOk);
  EXPECT_EQ(KeyOf(child_), 2U);
  EXPECT_EQ(references(), 3U);
}

TEST_F(KeyedMapRacesTest, AChildOfAParentThatLosesItsKeyHasNone) {
  Set(2, 20);
  Assign(1);
  EXPECT_EQ(At(
                "keyed_clone.parent_read", [&] { return store_->Clone(owner_, child_); },
                [&] {
                  Delete();
                  Erase(1);
                  EXPECT_EQ(map_->Set(3, 30), Status::kNoIndexes);
                }),
            Status::kOk);
  EXPECT_EQ(KeyOf(child_), kNone);
}

}  // namespace
}  // namespace inlay
