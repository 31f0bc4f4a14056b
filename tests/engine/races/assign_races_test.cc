// Assign() between its count and its swap meets another writer, or the owner's death. Test points
// force every order.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <thread>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/races/two_value_map.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct AssignedOwner {
  InlineWords<16> words;
  bool dying = false;
  InlineWords<16>& inline_words() { return words; }
  const InlineWords<16>& inline_words() const { return words; }
  bool is_dying() const { return dying; }
};

// Of the two values that have an index, one is 0, and `zero_` refers to it.
class AssignRacesTest : public TwoValueMap<AssignedOwner> {
 protected:
  AssignRacesTest() {
    constexpr uint64_t kZero = 0;
    EXPECT_EQ(map_->Intern(std::as_bytes(std::span(&kZero, 1)), &zero_), Status::kOk);
  }
  ~AssignRacesTest() override {
    zero_.Reset();
    store_->Close(owner_);
    store_->Close(other_);
  }
  // Assigns `zero_` to the owner, while another thread runs `meanwhile` between count and swap.
  Status Assign(UpdateFlag flag, const std::function<void()>& meanwhile) {
    bool passed = false;
    const AtTestPoint point("assign.referenced", [&] {
      passed = true;
      std::thread(meanwhile).join();
    });
    const Status status = map_->Assign(owner_, zero_, flag);
    EXPECT_TRUE(passed);
    return status;
  }
  uint64_t references() const { return map_->table().total_references() - 1; }  // without zero_'s

  ValueRef zero_;
  AssignedOwner owner_;
  AssignedOwner other_;
};

TEST_F(AssignRacesTest, AnOwnerThatDiesMeanwhileGetsNothing) {
  EXPECT_EQ(Assign(UpdateFlag::kAny,
                   [&] {
                     owner_.dying = true;
                     store_->Close(owner_);
                   }),
            Status::kNotFound);
  EXPECT_EQ(Get(owner_), kAbsent) << "nobody closes it again";
  EXPECT_EQ(references(), 0U);
}

// The last moment is after the check whether the owner is closed. The mark is in the word that the
// swap compares.
TEST(AssignToAClosedOwnerTest, AnOwnerThatIsClosedAtTheLastMomentGetsNothing) {
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16, .mark_closed = true}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 9}, &map), Status::kOk);
  InlineWords<16> owner;
  constexpr uint64_t kValue = 7;
  ValueRef ref;
  ASSERT_EQ(map->Intern(std::as_bytes(std::span(&kValue, 1)), &ref), Status::kOk);
  bool passed = false;
  {
    const AtTestPoint point("publish.checked", [&] {
      passed = true;
      std::thread([&] { store->Close(owner); }).join();
    });
    EXPECT_EQ(map->Assign(owner, ref), Status::kNotFound);
  }
  EXPECT_TRUE(passed);
  EXPECT_EQ(owner.Load(map->field()), kAbsentCode);
  EXPECT_EQ(map->table().total_references(), 1U);
  store->Reopen(owner);
  EXPECT_EQ(map->Assign(owner, ref), Status::kOk);
  store->Close(owner);
}

TEST_F(AssignRacesTest, AnAssignmentThatLosesGivesItsReferenceBack) {
  EXPECT_EQ(Assign(UpdateFlag::kNoExist, [&] { Update(owner_, 1); }), Status::kExists);
  EXPECT_EQ(Get(owner_), 1U);
  EXPECT_EQ(references(), 1U);
  EXPECT_EQ(Assign(UpdateFlag::kExist, [&] { EXPECT_EQ(map_->Delete(owner_), Status::kOk); }),
            Status::kNotFound);
  EXPECT_EQ(references(), 0U);
}

TEST_F(AssignRacesTest, AnAssignmentAfterAnotherWriterReleasesItsIndex) {
  EXPECT_EQ(Assign(UpdateFlag::kAny, [&] { Update(owner_, 1); }), Status::kOk);
  EXPECT_EQ(Get(owner_), 0U);
  EXPECT_EQ(references(), 1U);
}

TEST_F(AssignRacesTest, TheSameValueMeanwhileIsCountedOnce) {
  EXPECT_EQ(Assign(UpdateFlag::kAny, [&] { Update(owner_, 0); }), Status::kOk);
  EXPECT_EQ(Get(owner_), 0U);
  EXPECT_EQ(references(), 1U);
}

TEST_F(AssignRacesTest, AnOwnerThatSpillsMeanwhileLosesItsPrivateValue) {
  Update(other_, 1);
  EXPECT_EQ(Assign(UpdateFlag::kAny,
                   [&] {
                     Update(owner_, 2);
                     EXPECT_TRUE(IsSpilled(owner_));
                   }),
            Status::kOk);
  EXPECT_EQ(Get(owner_), 0U);
  EXPECT_FALSE(IsSpilled(owner_));
  EXPECT_EQ(map_->memory_usage().private_bytes, 0U);
  EXPECT_EQ(references(), 2U);
}

}  // namespace
}  // namespace inlay
