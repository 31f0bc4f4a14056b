// EnsureRoom(): room for many new values at once, before they come.

#include <gtest/gtest.h>

#include <vector>

#include "inlay/rcu.h"
#include "inlay/value_table.h"
#include "tests/engine/table/made_table.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kIndexes = 1022;

class EnsureRoomTest : public testing::Test {
 protected:
  // The library's thread must not help.
  void MakeTableOf(uint32_t max_values, Account* account = nullptr) {
    table_ = MakeTable(
        {.value_bytes = 100, .max_values = max_values, .account = account, .background = false});
  }
  // Adds values that nobody has added before, and keeps them. Returns how many found an index.
  uint64_t Add(uint64_t count) {
    for (uint64_t n = 0; n < count; ++n) {
      ValueIndex index = kNoIndex;
      if (table_->Intern(NumberedValue(next_++, 100), &index) != Status::kOk) return n;
      held_.push_back(index);
    }
    return count;
  }
  void ReleaseFirst(size_t count) {
    for (size_t n = 0; n < count; ++n) table_->Release(held_[n]);
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  // As many new values succeed, and need no memory any more.
  void ExpectRoomFor(uint64_t count) {
    SetAllocationsLeftForTest(0);
    EXPECT_EQ(Add(count), count);
    SetAllocationsLeftForTest(-1);
    ExpectSound(*table_);
  }

  std::unique_ptr<ValueTable> table_;
  std::vector<ValueIndex> held_;
  uint64_t next_ = 0;
};

TEST_F(EnsureRoomTest, AnEmptyTableTakesAllItsIndexes) {
  MakeTableOf(kIndexes);
  EXPECT_EQ(table_->EnsureRoom(0), Status::kOk);
  EXPECT_EQ(table_->EnsureRoom(kIndexes), Status::kOk);
  EXPECT_EQ(table_->stats().free, kIndexes);
  ExpectSound(*table_);
  EXPECT_EQ(table_->EnsureRoom(kIndexes + 1), Status::kNoIndexes);
  ExpectRoomFor(kIndexes);
}

TEST_F(EnsureRoomTest, TwentyReloadsOfHalfTheIndexes) {
  MakeTableOf(kIndexes);
  for (int reload = 0; reload < 20; ++reload) {
    ASSERT_EQ(table_->EnsureRoom(kIndexes / 2), Status::kOk) << reload;
    ExpectRoomFor(kIndexes / 2);
    if (reload > 0) ReleaseFirst(kIndexes / 2);
  }
}

TEST_F(EnsureRoomTest, ReferencedValuesStayAndUnreferencedOnesGoIfTheyMust) {
  MakeTableOf(kIndexes);
  ASSERT_EQ(Add(1000), 1000U);
  ReleaseFirst(300);
  EXPECT_EQ(table_->EnsureRoom(22), Status::kOk);
  EXPECT_EQ(table_->stats().unreferenced, 300U) << "22 indexes were never used";
  EXPECT_EQ(table_->EnsureRoom(100), Status::kOk);
  EXPECT_EQ(table_->stats().unreferenced, 222U);
  EXPECT_EQ(table_->EnsureRoom(323), Status::kNoIndexes);
  EXPECT_EQ(table_->EnsureRoom(322), Status::kOk);
  ExpectRoomFor(322);
  EXPECT_EQ(Add(1), 0U);
  EXPECT_EQ(table_->EnsureRoom(1), Status::kNoIndexes);
}

TEST_F(EnsureRoomTest, WaitsForWhatOthersHaveRetired) {
  MakeTableOf(4);
  ASSERT_EQ(Add(4), 4U);
  {
    const ReadSection both_batches_wait;
    ReleaseFirst(1);
    EXPECT_EQ(table_->Reclaim(), 1U);
    ReleaseFirst(1);
    EXPECT_EQ(table_->Reclaim(), 1U);
  }
  EXPECT_EQ(table_->EnsureRoom(2), Status::kOk);
  ExpectRoomFor(2);
}

TEST_F(EnsureRoomTest, TheAccountLimitsIt) {
  Account account(30'000);
  MakeTableOf(kIndexes, &account);
  EXPECT_EQ(table_->EnsureRoom(kIndexes), Status::kAccountLimit);
  EXPECT_LE(account.used_bytes(), account.limit_bytes());
  ExpectSound(*table_);
  EXPECT_EQ(table_->EnsureRoom(150), Status::kOk);
  ExpectRoomFor(150);
  table_.reset();  // before its account
}

TEST_F(EnsureRoomTest, V4EveryAllocationCanFail) {
  MakeTableOf(kIndexes);
  for (const uint32_t room : {10U, 300U, kIndexes}) {
    EXPECT_GE(FailEachAllocation([&] { return table_->EnsureRoom(room); },
                                 [&] {
                                   EXPECT_EQ(table_->stats().live, 0U);
                                   ExpectSound(*table_);
                                 }),
              1);
    ExpectSound(*table_);
  }
  ExpectRoomFor(kIndexes);
}

}  // namespace
}  // namespace inlay
