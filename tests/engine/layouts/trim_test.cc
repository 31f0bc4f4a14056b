// Trim() of index maps and stores: the account, the table and the side table after a burst.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kBurstValueBytes = 100;

class StoreTrimTest : public testing::Test {
 protected:
  void Make(uint32_t width_bits) {
    ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    ASSERT_EQ(IndexMap::Create(
                  *store_,
                  {.value_bytes = kBurstValueBytes, .width_bits = width_bits, .background = false},
                  &map_),
              Status::kOk);
  }
  void TearDown() override {
    CloseFrom(0);
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    map_.reset();
    EXPECT_EQ(store_->account().used_bytes(), 0U);
  }
  void Burst() {
    for (size_t i = 0; i < owners_.size(); ++i) {
      ASSERT_EQ(map_->Update(owners_[i], NumberedValue(i, kBurstValueBytes), UpdateFlag::kAny),
                Status::kOk);
    }
  }
  void CloseFrom(size_t first) {
    for (size_t i = first; i < owners_.size(); ++i) store_->Close(owners_[i]);
  }
  void ExpectFirst(size_t count) {
    const ReadSection section;
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(Copied(map_->Get(owners_[i]), kBurstValueBytes),
                NumberedValue(i, kBurstValueBytes));
    }
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  std::vector<PlainOwner<16>> owners_{20000};
};

TEST_F(StoreTrimTest, GivesATableBack) {
  ASSERT_NO_FATAL_FAILURE(Make(16));
  ASSERT_NO_FATAL_FAILURE(Burst());
  const size_t burst_bytes = store_->account().used_bytes();
  const size_t burst_total = map_->memory_usage().total_bytes();
  CloseFrom(100);
  const size_t returned = store_->Trim();
  EXPECT_GT(returned, size_t{kBurstValueBytes} * 19000);
  EXPECT_EQ(map_->memory_usage().total_bytes(), burst_total - returned);
  EXPECT_LT(store_->account().used_bytes(), burst_bytes / 100);
  EXPECT_EQ(store_->pending_account().used_bytes(), 0U) << "the old hash index";
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(100));
  ASSERT_NO_FATAL_FAILURE(Burst());
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(owners_.size()));
}

TEST_F(StoreTrimTest, GivesASideTableBack) {
  ASSERT_NO_FATAL_FAILURE(Make(2));
  ASSERT_NO_FATAL_FAILURE(Burst());
  EXPECT_EQ(map_->stats().spilled_now, owners_.size() - 2);
  CloseFrom(12000);  // so few that the table has not begun to shrink
  const size_t before = map_->memory_usage().index_bytes;
  EXPECT_GT(map_->Trim(), 0U);
  EXPECT_LT(map_->memory_usage().index_bytes, before * 3 / 4);
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(12000));
  ASSERT_NO_FATAL_FAILURE(Burst());
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(owners_.size()));
}

TEST_F(StoreTrimTest, BesideGetsAndUpdatesOfSpilledOwners) {
  ASSERT_NO_FATAL_FAILURE(Make(2));
  constexpr size_t kOwners = 3000;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::thread reader([&] {
    while (!stop) {
      for (size_t i = 0; i < kOwners; ++i) {
        const ReadSection section;
        const Bytes found = Copied(map_->Get(owners_[i]), kBurstValueBytes);
        wrong += !found.empty() && found != NumberedValue(i, kBurstValueBytes);
        // The first owners keep their values.
        wrong += found.empty() && i < 100;
      }
    }
  });
  std::thread trimmer([&] {
    while (!stop) store_->Trim();
  });
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(map_->Update(owners_[i], NumberedValue(i, kBurstValueBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  wrong = 0;
  for (int round = 0; round < 20; ++round) {
    for (size_t i = 0; i < kOwners; ++i) {
      EXPECT_EQ(map_->Update(owners_[i], NumberedValue(i, kBurstValueBytes), UpdateFlag::kAny),
                Status::kOk);
    }
    for (size_t i = 100; i < kOwners; ++i) EXPECT_EQ(map_->Delete(owners_[i]), Status::kOk);
  }
  stop = true;
  reader.join();
  trimmer.join();
  EXPECT_EQ(wrong, 0U);
}

// The slabs of storage pointers.
TEST(SocketTrimTest, GivesSpareSlabsBack) {
  SocketOwners owners;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(
                owners.table(),
                {.value_bytes = kBurstValueBytes, .width_bits = 2, .background = false}, &map),
            Status::kOk);
  for (uint64_t n = 0; n < 3000; ++n) {
    ASSERT_EQ(map->Update(owners.Add(), NumberedValue(n, kBurstValueBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  owners.CloseAll();
  RetireBarrier();
  const size_t before = owners.store().options().private_values->memory_usage().total_bytes();
  EXPECT_GT(before, 0U);
  EXPECT_GE(owners.store().Trim(), before);
  EXPECT_EQ(owners.store().options().private_values->memory_usage().total_bytes(), 0U);
}

}  // namespace
}  // namespace inlay
