// V4: a ValueTable without indexes, memory or room in its account; and all sizes of values.

#include <gtest/gtest.h>

#include "inlay/rcu.h"
#include "inlay/value_table.h"
#include "tests/engine/table/made_table.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

TEST(ValueTableLimitsTest, ValuesOfEverySize) {
  for (const uint32_t bytes : {1U, 2U, 3U, 7U, 8U, 100U, 4096U, 65536U}) {
    SCOPED_TRACE(bytes);
    std::unique_ptr<ValueTable> table;
    ASSERT_EQ(ValueTable::Create({.value_bytes = bytes, .max_values = 1000}, &table), Status::kOk);
    const uint64_t count = bytes == 1 ? 256 : 1000;
    std::vector<ValueIndex> indexes(count, kNoIndex);
    for (uint64_t n = 0; n < count; ++n) {
      ASSERT_EQ(table->Intern(NumberedValue(n, bytes), &indexes[n]), Status::kOk);
    }
    for (uint64_t n = 0; n < count; ++n) {
      ASSERT_EQ(Copied(table->At(indexes[n]), bytes), NumberedValue(n, bytes));
    }
    ExpectSound(*table);
  }
}

TEST(ValueTableLimitsTest, AllOf65534ValuesHaveAnIndexAndNoMore) {
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 4, .max_values = ValueTable::kMaxValues}, &table),
            Status::kOk);
  ValueIndex index = kNoIndex;
  for (uint64_t n = 0; n < ValueTable::kMaxValues; ++n) {
    ASSERT_EQ(table->Intern(NumberedValue(n, 4), &index), Status::kOk);
  }
  EXPECT_EQ(index, ValueTable::kMaxValues);
  EXPECT_EQ(table->Intern(NumberedValue(1 << 20, 4), &index), Status::kNoIndexes);
  EXPECT_EQ(index, ValueTable::kMaxValues) << "unchanged on failure";
  ASSERT_EQ(table->Intern(NumberedValue(5, 4), &index), Status::kOk);
  EXPECT_EQ(index, 6U);
  ExpectSound(*table);
}

TEST(ValueTableLimitsTest, EveryIndexInUseIsRefusedAndChangesNothing) {
  for (const uint32_t max_values : {1U, 2U, 15U, 16U, 17U, 510U}) {
    std::unique_ptr<ValueTable> table;
    ASSERT_EQ(ValueTable::Create({.value_bytes = 8, .max_values = max_values}, &table),
              Status::kOk);
    ValueIndex index = kNoIndex;
    for (uint64_t n = 0; n < max_values; ++n) {
      ASSERT_EQ(table->Intern(NumberedValue(n, 8), &index), Status::kOk);
    }
    const ValueTableStats before = table->stats();
    for (uint64_t n = 0; n < 100; ++n) {
      ASSERT_EQ(table->Intern(NumberedValue(1000 + n, 8), &index), Status::kNoIndexes);
    }
    EXPECT_EQ(table->stats().live, before.live);
    EXPECT_EQ(table->stats().memory.total_bytes(), before.memory.total_bytes());
    ExpectSound(*table);
  }
}

TEST(ValueTableLimitsTest, TheAccountIsChargedWhatTheStatsSayAndGetsAllBack) {
  Account account;
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 100, .account = &account}, &table), Status::kOk);
  ValueIndex index = kNoIndex;
  for (uint64_t n = 0; n < 5000; ++n) {
    ASSERT_EQ(table->Intern(NumberedValue(n, 100), &index), Status::kOk);
    if (n % 500 == 0) {
      const MemoryUsage memory = table->stats().memory;
      EXPECT_EQ(account.used_bytes(), memory.table_bytes + memory.index_bytes);
    }
  }
  EXPECT_GE(account.used_bytes(), 5000U * 100U);
  table.reset();
  EXPECT_EQ(account.used_bytes(), 0U);
}

TEST(ValueTableLimitsTest, PastTheAccountLimitIsRefusedAndChangesNothing) {
  Account account(20000);
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 100, .account = &account}, &table), Status::kOk);
  std::vector<ValueIndex> held;
  ValueIndex index = kNoIndex;
  uint64_t n = 0;
  while (table->Intern(NumberedValue(n, 100), &index) == Status::kOk) {
    held.push_back(index);
    ++n;
    ASSERT_LE(account.used_bytes(), account.limit_bytes());
    ASSERT_LT(n, 1000U);
  }
  EXPECT_GT(n, 100U);
  const size_t used = account.used_bytes();
  for (uint64_t more = n; more < n + 50; ++more) {
    EXPECT_EQ(table->Intern(NumberedValue(more, 100), &index), Status::kAccountLimit);
  }
  EXPECT_EQ(account.used_bytes(), used);
  EXPECT_EQ(table->stats().live, n);
  ExpectSound(*table);
  // Existing values can still be referenced, and a freed index serves a new value.
  EXPECT_EQ(table->Intern(NumberedValue(0, 100), &index), Status::kOk);
  table->Release(held[5]);
  table->Reclaim();
  Synchronize();
  EXPECT_EQ(table->Intern(NumberedValue(5000, 100), &index), Status::kOk);
  EXPECT_EQ(index, held[5]);
  ExpectSound(*table);
}

TEST(ValueTableLimitsTest, AnAccountWithoutRoomMakesNoTable) {
  Account account(10);
  std::unique_ptr<ValueTable> table;
  EXPECT_EQ(ValueTable::Create({.value_bytes = 100, .account = &account}, &table),
            Status::kAccountLimit);
  EXPECT_EQ(table, nullptr);
  EXPECT_EQ(account.used_bytes(), 0U);
}

TEST(ValueTableLimitsTest, V4EveryAllocationOfCreateCanFail) {
  Account account;
  std::unique_ptr<ValueTable> table;
  const int failures = FailEachAllocation(
      [&] { return ValueTable::Create({.value_bytes = 8, .account = &account}, &table); },
      [&] {
        EXPECT_EQ(table, nullptr);
        EXPECT_EQ(account.used_bytes(), 0U);
      });
  EXPECT_GE(failures, 3);
}

TEST(ValueTableLimitsTest, V4EveryAllocationOfInternCanFail) {
  Account account;
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(
      ValueTable::Create({.value_bytes = 1000, .max_values = 2000, .account = &account}, &table),
      Status::kOk);
  int failures = 0;
  for (uint64_t n = 0; n < 2000; ++n) {
    ValueIndex index = kNoIndex;
    const size_t used = account.used_bytes();
    failures +=
        FailEachAllocation([&] { return table->Intern(NumberedValue(n, 1000), &index); },
                           [&] {
                             EXPECT_EQ(index, kNoIndex);
                             EXPECT_EQ(table->stats().live, n);
                             // The index that was committed for the value may be in the free list,
                             // still charged.
                             EXPECT_LE(account.used_bytes(), used + table->stride_bytes() + 16);
                             ReadSection section;
                             EXPECT_EQ(table->Find(NumberedValue(n, 1000)), kNoIndex);
                             if (n > 0) {
                               EXPECT_NE(table->Find(NumberedValue(n / 2, 1000)), kNoIndex);
                             }
                             ExpectSound(*table);
                           });
    ASSERT_NE(index, kNoIndex);
  }
  EXPECT_GE(failures, 10) << "the table never grew";
  ExpectSound(*table);
}

// Without memory for a larger hash index the table fills the old one up.
TEST(ValueTableLimitsTest, V4AHashIndexThatCannotGrowStillAnswersRight) {
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 4}, &table), Status::kOk);
  ValueIndex index = kNoIndex;
  ASSERT_EQ(table->Intern(NumberedValue(0, 4), &index), Status::kOk);  // commits the first pages
  SetAllocationsLeftForTest(0);
  uint64_t n = 1;
  while (table->Intern(NumberedValue(n, 4), &index) == Status::kOk) ++n;
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(n, table->stats().slots - 1);
  {
    ReadSection section;
    for (uint64_t i = 0; i < n; ++i) EXPECT_NE(table->Find(NumberedValue(i, 4)), kNoIndex);
    EXPECT_EQ(table->Find(NumberedValue(n, 4)), kNoIndex);
  }
  ExpectSound(*table);
  EXPECT_EQ(table->Intern(NumberedValue(n, 4), &index), Status::kOk);
  ExpectSound(*table);
}

TEST(ValueTableLimitsTest, AReleaseWithoutAReferenceIsRefusedAndReported) {
  const std::unique_ptr<ValueTable> table = MakeTable({.value_bytes = 8, .max_values = 4});
  ValueIndex index = kNoIndex;
  ASSERT_EQ(table->Intern(NumberedValue(1, 8), &index), Status::kOk);
  table->Release(index);
  ExpectSound(*table);
  table->Release(index);  // unreferenced
  EXPECT_EQ(table->stats().refused_releases, 1U);
  EXPECT_EQ(table->stats().unreferenced, 1U);
  std::string reason;
  EXPECT_FALSE(table->CheckInvariants(&reason));
  EXPECT_EQ(reason, "V3: 1 references were released that nobody held");

  // The value is as sound as before.
  ASSERT_TRUE(table->TryRef(index));
  EXPECT_EQ(table->total_references(), 1U);
  table->Release(index);
  EXPECT_EQ(table->Reclaim(), 1U);
  table->Release(index);  // retired
  EXPECT_EQ(table->ReclaimAndWait(), 0U);
  table->Release(index);  // free
  EXPECT_EQ(table->stats().refused_releases, 3U);
  EXPECT_EQ(table->stats().free, 1U);
  ASSERT_EQ(table->Intern(NumberedValue(2, 8), &index), Status::kOk);
  EXPECT_EQ(Copied(table->At(index), 8), NumberedValue(2, 8));
  EXPECT_EQ(table->total_references(), 1U);
}

}  // namespace
}  // namespace inlay
