// Limits on private values of owners without storage pointers, and on those that wait for readers.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

constexpr uint32_t kLimitedValueBytes = 1000;
// A private value in a side table: with a header of 32 bytes, and malloc()'s.
constexpr size_t kPrivateBytes = 1040;

class SpillLimitsTest : public testing::Test {
 protected:
  void Make(const StoreOptions& options) {
    ASSERT_EQ(Store::Create(options, &store_), Status::kOk);
    ASSERT_EQ(IndexMap::Create(
                  *store_,
                  {.value_bytes = kLimitedValueBytes, .width_bits = 2, .background = false}, &map_),
              Status::kOk);
    for (uint64_t n = 0; n < 2; ++n) ASSERT_EQ(Put(owners_[n], n), Status::kOk);
  }
  void TearDown() override {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    for (PlainOwner<16>& owner : owners_) store_->Close(owner);
    EXPECT_EQ(store_->spill_account().used_bytes(), 0U);
    map_.reset();
    RetireBarrier();
    EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
    EXPECT_EQ(store_->account().used_bytes(), 0U);
  }

  Status Put(PlainOwner<16>& owner, uint64_t n) {
    return map_->Update(owner, NumberedValue(n, kLimitedValueBytes), UpdateFlag::kAny);
  }
  Bytes Held(const PlainOwner<16>& owner) {
    const ReadSection section;
    return Copied(map_->Get(owner), kLimitedValueBytes);
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  std::vector<PlainOwner<16>> owners_{20};  // the first two keep both indexes
};

TEST_F(SpillLimitsTest, PastTheSpillLimitAnOperationFailsAndChangesNothing) {
  ASSERT_NO_FATAL_FAILURE(
      Make({.reserved_bits = 16, .spill_limit_bytes = 5 * kPrivateBytes + kPrivateBytes / 2}));
  for (uint64_t n = 2; n < 7; ++n) ASSERT_EQ(Put(owners_[n], n), Status::kOk);
  EXPECT_EQ(store_->spill_account().used_bytes(), 5 * kPrivateBytes);
  EXPECT_EQ(map_->memory_usage().private_bytes, 5 * kPrivateBytes);
  EXPECT_EQ(Put(owners_[7], 7), Status::kSpillLimit);
  EXPECT_EQ(Put(owners_[0], 7), Status::kSpillLimit);
  EXPECT_EQ(store_->spill_account().used_bytes(), 5 * kPrivateBytes);
  EXPECT_TRUE(Held(owners_[7]).empty());
  EXPECT_EQ(Held(owners_[0]), NumberedValue(0, kLimitedValueBytes));
  EXPECT_EQ(map_->stats().no_indexes, 7U);
  EXPECT_EQ(map_->stats().account_limit, 0U);
  EXPECT_EQ(map_->stats().spill_limit, 2U);
  EXPECT_EQ(map_->stats().no_memory, 2U);
  // One private value takes another's place, a value of the table needs none, and what goes makes
  // room.
  EXPECT_EQ(Put(owners_[2], 8), Status::kOk);
  EXPECT_EQ(Put(owners_[7], 0), Status::kOk);
  EXPECT_EQ(map_->Delete(owners_[3]), Status::kOk);
  EXPECT_EQ(Put(owners_[8], 8), Status::kOk);
}

TEST_F(SpillLimitsTest, WithALimitOfNothingNoneSpills) {
  ASSERT_NO_FATAL_FAILURE(Make({.reserved_bits = 16, .spill_limit_bytes = 0}));
  EXPECT_EQ(Put(owners_[2], 2), Status::kSpillLimit);
  EXPECT_EQ(map_->stats().spilled, 0U);
}

// A reader that stays in its section holds every private value that is replaced meanwhile.
TEST_F(SpillLimitsTest, WhatWaitsForAReaderIsBounded) {
  ASSERT_NO_FATAL_FAILURE(Make({.reserved_bits = 16, .pending_limit_bytes = 20 * kPrivateBytes}));
  ASSERT_EQ(Put(owners_[2], 2), Status::kOk);
  uint64_t last = 2;
  {
    const SectionElsewhere section;
    Status status = Status::kOk;
    for (uint64_t n = 3; n < 1000 && status == Status::kOk; ++n) {
      status = Put(owners_[2], n);
      if (status == Status::kOk) last = n;
      ASSERT_LE(store_->pending_account().used_bytes(), store_->pending_account().limit_bytes());
    }
    EXPECT_EQ(status, Status::kPendingLimit);
    EXPECT_GE(last, 10U);
    EXPECT_EQ(Held(owners_[2]), NumberedValue(last, kLimitedValueBytes));
    EXPECT_EQ(map_->stats().pending_limit, 1U);
    // What needs no private value goes on, also if it leaves one behind.
    EXPECT_EQ(Put(owners_[2], 0), Status::kOk);
    EXPECT_EQ(Put(owners_[3], 3), Status::kPendingLimit);
  }
  RetireBarrier();
  EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
  EXPECT_EQ(Put(owners_[3], 3), Status::kOk);
}

TEST_F(SpillLimitsTest, V4AFailedAllocationLeavesNoChargeBehind) {
  ASSERT_NO_FATAL_FAILURE(Make({.reserved_bits = 16}));
  size_t spilled = 0;
  for (uint64_t n = 2; n < owners_.size(); ++n) {
    EXPECT_GE(FailEachAllocation([&] { return Put(owners_[n], n); },
                                 [&] {
                                   EXPECT_EQ(store_->spill_account().used_bytes(), spilled);
                                   EXPECT_TRUE(Held(owners_[n]).empty());
                                 }),
              1);
    spilled += kPrivateBytes;
    EXPECT_EQ(store_->spill_account().used_bytes(), spilled);
  }
}

// What waits may be freed after the store's end.
TEST(SideAccountsTest, OutliveTheStore) {
  for (int round = 0; round < 20; ++round) {
    std::unique_ptr<Store> store;
    std::unique_ptr<IndexMap> map;
    ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
    ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 2}, &map), Status::kOk);
    std::vector<PlainOwner<16>> owners(50);
    for (uint64_t n = 0; n < owners.size(); ++n) {
      ASSERT_EQ(map->Update(owners[n], NumberedValue(n, 8), UpdateFlag::kAny), Status::kOk);
    }
    for (PlainOwner<16>& owner : owners) store->Close(owner);
  }
  RetireBarrier();
}

}  // namespace
}  // namespace inlay
