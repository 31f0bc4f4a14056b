// A side table of private values that grows and shrinks with its values, and one that is freed with
// all of them.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "engine/memory/allocate.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kGrownValueBytes = 24;
// So many that every shard's array grows several times.
constexpr size_t kGrownOwners = 6000;

class SideTableGrowthTest : public testing::Test {
 protected:
  using Owner = PlainOwner<16>;

  void SetUp() override {
    ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    ASSERT_EQ(IndexMap::Create(
                  *store_, {.value_bytes = kGrownValueBytes, .width_bits = 2, .background = false},
                  &map_),
              Status::kOk);
  }
  void TearDown() override {
    for (Owner& owner : owners_) store_->Close(owner);
    map_.reset();
    EXPECT_EQ(store_->spill_account().used_bytes(), 0U);
    EXPECT_EQ(store_->account().used_bytes(), 0U);
    RetireBarrier();
    EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
  }

  void Add(uint64_t n) {
    ASSERT_EQ(
        map_->Update(owners_.emplace_back(), NumberedValue(n, kGrownValueBytes), UpdateFlag::kAny),
        Status::kOk);
  }
  void ExpectHeld(size_t owner) {
    const ReadSection section;
    ASSERT_EQ(Copied(map_->Get(owners_[owner]), kGrownValueBytes),
              NumberedValue(owner, kGrownValueBytes))
        << "owner " << owner;
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  std::deque<Owner> owners_;  // the n-th has value n; the first two keep both indexes
};

TEST_F(SideTableGrowthTest, EveryValueIsFoundHoweverTheTableGrowsAndShrinks) {
  for (size_t n = 0; n < kGrownOwners; ++n) {
    ASSERT_NO_FATAL_FAILURE(Add(n));
    if (n % 500 != 499) continue;
    for (size_t i = 0; i <= n; ++i) ASSERT_NO_FATAL_FAILURE(ExpectHeld(i));
  }
  const size_t largest = map_->memory_usage().index_bytes;
  constexpr size_t kKept = 20;  // one in so many
  for (size_t i = 2; i < kGrownOwners; ++i) {
    if (i % kKept == 0) continue;
    ASSERT_EQ(map_->Delete(owners_[i]), Status::kOk);
  }
  EXPECT_LT(map_->memory_usage().index_bytes, largest);
  for (size_t i = kKept; i < kGrownOwners; i += kKept) ASSERT_NO_FATAL_FAILURE(ExpectHeld(i));
  EXPECT_EQ(map_->stats().spilled_now, kGrownOwners / kKept - 1);
}

// Every value has memory of its own, and none is left for a bucket behind a full one.
TEST_F(SideTableGrowthTest, V4AValueWithoutABucketLeavesNoCharge) {
  for (size_t n = 0; n < 3; ++n) ASSERT_NO_FATAL_FAILURE(Add(n));
  size_t refused = 0;
  for (size_t n = 3; n < kGrownOwners; ++n) {
    SetAllocationsLeftForTest(1);
    const Status status =
        map_->Update(owners_.emplace_back(), NumberedValue(n, kGrownValueBytes), UpdateFlag::kAny);
    SetAllocationsLeftForTest(-1);
    ASSERT_TRUE(status == Status::kOk || status == Status::kNoMemory);
    refused += status == Status::kNoMemory;
    if (status != Status::kOk) continue;
    ASSERT_NO_FATAL_FAILURE(ExpectHeld(n));
  }
  EXPECT_GT(refused, 0U) << "no bucket was full";
  EXPECT_EQ(map_->stats().spilled_now, kGrownOwners - 2 - refused);
}

TEST_F(SideTableGrowthTest, AMapThatIsFreedBeforeItsOwnersCloseLeavesNoCharge) {
  for (size_t n = 0; n < 100; ++n) ASSERT_NO_FATAL_FAILURE(Add(n));
  EXPECT_GT(store_->spill_account().used_bytes(), 0U);
  map_.reset();
  EXPECT_EQ(store_->spill_account().used_bytes(), 0U);
  RetireBarrier();
  EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
}

}  // namespace
}  // namespace inlay
