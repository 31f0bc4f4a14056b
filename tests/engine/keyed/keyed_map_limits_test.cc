// KeyedMap: full tables, accounts, limits, failing memory, and memory that goes back.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "inlay/account.h"
#include "inlay/keyed_map.h"
#include "inlay/memory_usage.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "inlay/store_report.h"
#include "tests/engine/keyed/keyed_fixture.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

// A store with limits that a test chooses.
class LimitedOwners : public PlainOwners<16> {
 public:
  void MakeStore(const StoreOptions& options) {
    ASSERT_EQ(Store::Create(options, &limited_), Status::kOk);
  }
  Store& store() { return limited_ != nullptr ? *limited_ : PlainOwners<16>::store(); }
  Owner& Add() { return limited_owners_.emplace_back(); }
  void CloseAll() {
    for (Owner& owner : limited_owners_) store().Close(owner);
  }

 private:
  std::unique_ptr<Store> limited_;
  std::deque<Owner> limited_owners_;
};

using KeyedMapLimitsTest = KeyedFixture<LimitedOwners>;

// --- indexes

TEST_F(KeyedMapLimitsTest, EveryWidthAtItsBoundary) {
  for (const uint32_t width : {2U, 3U, 9U, 16U}) {
    SCOPED_TRACE(width);
    ASSERT_NO_FATAL_FAILURE(MakeMap(width));
    const uint64_t indexes = (uint64_t{1} << width) - 2;
    auto& owner = owners_.Add();
    for (uint64_t n = 0; n < indexes; ++n) ASSERT_EQ(Set(n, n), Status::kOk);
    EXPECT_EQ(Set(indexes, 0), Status::kNoIndexes);
    EXPECT_EQ(map_->stats().no_indexes, 1U);
    EXPECT_EQ(map_->stats().no_memory, 1U);
    EXPECT_EQ(Assign(owner, indexes), Status::kNotFound);
    for (uint64_t n = 0; n < indexes; ++n) {
      ASSERT_EQ(Assign(owner, n), Status::kOk);
      ASSERT_EQ(Held(owner), Value(n));
    }
    EXPECT_EQ(Set(0, 5), Status::kOk) << "a key that is there needs no index";
    ExpectSound();
    owners_.store().Close(owner);
  }
}

TEST_F(KeyedMapLimitsTest, AnIndexIsUsedAgainWhenNobodyNamesItsKey) {
  MakeMap(2);
  auto& owner = owners_.Add();
  KeyRef ref;
  ASSERT_EQ(Set(1, 10, &ref), Status::kOk);
  ASSERT_EQ(Set(2, 20), Status::kOk);
  ASSERT_EQ(Assign(owner, 1), Status::kOk);
  ASSERT_EQ(map_->Erase(Key(1)), Status::kOk);
  EXPECT_EQ(map_->EnsureRoom(1), Status::kNoIndexes) << "an owner and a reference name it";
  ref.Reset();
  EXPECT_EQ(map_->EnsureRoom(1), Status::kNoIndexes) << "an owner names it";
  EXPECT_EQ(Set(3, 30), Status::kNoIndexes);
  ASSERT_EQ(map_->Delete(owner), Status::kOk);
  ASSERT_EQ(map_->EnsureRoom(1), Status::kOk);
  EXPECT_EQ(Set(3, 30), Status::kOk);
  EXPECT_TRUE(ValueOf(1).empty());
  EXPECT_EQ(ValueOf(3), Value(30));
}

// A reader has found the owner's code, and not the value yet. Then the owner gives up the key, the
// key is erased, and the table is in want of an index.
TEST_F(KeyedMapLimitsTest, V2AnOldCodeNeverShowsAnotherKeysValue) {
  MakeMap(2);
  auto& owner = owners_.Add();
  auto& next = owners_.Add();
  ASSERT_EQ(Set(1, 10), Status::kOk);
  ASSERT_EQ(Set(2, 20), Status::kOk);
  ASSERT_EQ(Assign(owner, 1), Status::kOk);
  const uint32_t code = owner.words.Load(map_->field());
  {
    const SectionElsewhere reader;
    ASSERT_EQ(map_->Delete(owner), Status::kOk);
    ASSERT_EQ(map_->Erase(Key(1)), Status::kOk);
    for (uint64_t n = 3; n < 100; ++n) ASSERT_EQ(Set(n, n), Status::kNoIndexes);
  }
  ASSERT_EQ(map_->EnsureRoom(1), Status::kOk);
  ASSERT_EQ(Set(3, 30), Status::kOk);
  ASSERT_EQ(Assign(next, 3), Status::kOk);
  EXPECT_EQ(next.words.Load(map_->field()), code);
  EXPECT_EQ(Held(next), Value(30));
}

// --- accounts

TEST_F(KeyedMapLimitsTest, TheAccountPaysForWhatTheUsageSays) {
  MakeMap(12);
  const auto expect_charged = [&] {
    const MemoryUsage usage = map_->memory_usage();
    EXPECT_EQ(owners_.store().account().used_bytes(), usage.table_bytes + usage.index_bytes);
  };
  expect_charged();
  const size_t before = owners_.store().account().used_bytes();
  ASSERT_EQ(Set(0, 0), Status::kOk);
  // The value, its place, and the key of 6 bytes.
  EXPECT_EQ(owners_.store().account().used_bytes() - before,
            kKeyedMallocBytes + 8 + 8 + kTableEntryBytes);
  for (uint64_t n = 1; n < 1000; ++n) ASSERT_EQ(Set(n, n), Status::kOk);
  expect_charged();
  const size_t full = owners_.store().account().used_bytes();
  {
    const SectionElsewhere reader;
    for (uint64_t n = 0; n < 1000; ++n) ASSERT_EQ(Set(n, n + 1), Status::kOk);
    EXPECT_EQ(owners_.store().account().used_bytes(), full);
    EXPECT_GE(owners_.store().pending_account().used_bytes(), 1000 * kKeyedMallocBytes);
  }
  RetireBarrier();
  EXPECT_EQ(owners_.store().pending_account().used_bytes(), 0U);
  for (uint64_t n = 100; n < 1000; ++n) ASSERT_EQ(map_->Erase(Key(n)), Status::kOk);
  EXPECT_EQ(full - owners_.store().account().used_bytes(), 900 * kKeyedMallocBytes);
  expect_charged();
  EXPECT_GT(map_->Trim(), 0U);
  EXPECT_LT(owners_.store().account().used_bytes(), before + 100 * (kKeyedMallocBytes + 60));
  expect_charged();
  ExpectSound();
  for (uint64_t n = 0; n < 100; ++n) ASSERT_EQ(ValueOf(n), Value(n + 1));
  for (uint64_t n = 0; n < 1000; ++n) ASSERT_EQ(Set(n, n), Status::kOk);
  for (uint64_t n = 0; n < 1000; ++n) ASSERT_EQ(ValueOf(n), Value(n));
  expect_charged();
}

TEST_F(KeyedMapLimitsTest, PastTheAccountsLimitANewValueIsRefusedAndAnOldOneReplaced) {
  owners_.MakeStore({.reserved_bits = 16, .table_limit_bytes = 8 << 10});
  MakeMap(10);
  auto& owner = owners_.Add();
  uint64_t keys = 0;
  Status status = Status::kOk;
  while (keys < 1000 && (status = Set(keys, keys)) == Status::kOk) ++keys;
  EXPECT_EQ(status, Status::kAccountLimit);
  EXPECT_GT(keys, 20U);
  EXPECT_TRUE(ValueOf(keys).empty());
  EXPECT_EQ(Assign(owner, keys), Status::kNotFound);
  EXPECT_EQ(map_->stats().values, keys);
  EXPECT_EQ(map_->stats().no_memory, 1U);
  EXPECT_EQ(map_->stats().account_limit, 1U);
  ExpectSound();
  for (uint64_t n = 0; n < keys; ++n) ASSERT_EQ(Set(n, n + 1), Status::kOk);
  ASSERT_EQ(map_->Erase(Key(0)), Status::kOk);
  EXPECT_EQ(Set(keys, keys), Status::kOk);
  EXPECT_EQ(ValueOf(keys), Value(keys));
}

// A reader that stays in its section holds every value that is replaced meanwhile.
TEST_F(KeyedMapLimitsTest, WhatWaitsForAReaderIsBounded) {
  owners_.MakeStore({.reserved_bits = 16, .pending_limit_bytes = 10 * kKeyedMallocBytes});
  MakeMap(9);
  ASSERT_EQ(Set(1, 0), Status::kOk);
  KeyRef two;
  ASSERT_EQ(Set(2, 0, &two), Status::kOk);
  {
    const SectionElsewhere reader;
    uint64_t last = 0;
    while (last < 100 && Set(1, last + 1) == Status::kOk) ++last;
    EXPECT_EQ(last, 10U);
    EXPECT_EQ(Set(1, 99), Status::kPendingLimit);
    EXPECT_EQ(map_->Set(two, Value(99)), Status::kPendingLimit);
    EXPECT_EQ(ValueOf(1), Value(last));
    EXPECT_EQ(ValueOf(2), Value(0));
    EXPECT_EQ(map_->stats().no_memory, 3U);
    EXPECT_EQ(map_->stats().pending_limit, 3U);
    // An erase cannot be refused; then a new value must wait, or both in turn would have no bound.
    EXPECT_EQ(map_->Erase(Key(1)), Status::kOk);
    EXPECT_EQ(Set(1, 99), Status::kPendingLimit);
    EXPECT_EQ(Set(3, 99), Status::kPendingLimit);
    EXPECT_EQ(owners_.store().pending_account().used_bytes(), 11 * kKeyedMallocBytes);
  }
  RetireBarrier();
  EXPECT_EQ(Set(1, 99), Status::kOk);
  EXPECT_EQ(ValueOf(1), Value(99));
}

TEST_F(KeyedMapLimitsTest, AMapWithItsOwnAccountChargesAllToIt) {
  Account account({.name = "tenants", .limit_bytes = 16 << 10});
  MakeMap(2);  // frees it before the account
  MapOptions options = Options(10);
  options.account = &account;
  LimitedOwners others;
  others.MakeStore({.reserved_bits = 16, .table_limit_bytes = 0, .pending_limit_bytes = 0});
  std::unique_ptr<KeyedIndexMap> map;
  ASSERT_EQ(KeyedIndexMap::Create(others.store(), kKeyBytes, options, &map), Status::kOk);
  uint64_t keys = 0;
  while (keys < 1000 && map->Set(Key(keys), Value(keys)) == Status::kOk) ++keys;
  EXPECT_GT(keys, 50U);
  EXPECT_EQ(map->Set(Key(keys), Value(0)), Status::kAccountLimit);
  EXPECT_GT(account.used_bytes(), (16U << 10) - 2 * kKeyedMallocBytes);
  EXPECT_EQ(account.last_refusal(), "tenants");
  ASSERT_EQ(map->Erase(Key(0)), Status::kOk);
  RetireBarrier();
  {
    const SectionElsewhere reader;
    // There is room for the erased value, and for old hash indexes that have gone.
    uint64_t last = 1;
    while (last < 100 && map->Set(Key(1), Value(last + 1)) == Status::kOk) ++last;
    EXPECT_GE(last, 2U);
    EXPECT_LT(last, 20U);
    const uint64_t refusals = account.refusals();
    EXPECT_EQ(map->Set(Key(1), Value(0)), Status::kAccountLimit);
    EXPECT_EQ(account.refusals(), refusals + 1);
    const ReadSection section;
    EXPECT_EQ(Copied(map->ValueOf(Key(1)), kKeyedValueBytes), Value(last));
  }
  EXPECT_EQ(others.store().account().used_bytes(), 0U);
  EXPECT_EQ(others.store().pending_account().used_bytes(), 0U);
  map.reset();
  RetireBarrier();
  EXPECT_EQ(account.used_bytes(), 0U);
}

TEST_F(KeyedMapLimitsTest, AReportTellsOfTheKeys) {
  MakeMap(3);
  for (uint64_t n = 0; n < 6; ++n) ASSERT_EQ(Set(n, n), Status::kOk);
  EXPECT_EQ(Set(6, 6), Status::kNoIndexes);
  ASSERT_EQ(map_->Erase(Key(0)), Status::kOk);
  const SectionElsewhere reader;
  ASSERT_EQ(Set(1, 2), Status::kOk);
  const StoreReport report = owners_.store().Report();
  ASSERT_EQ(report.maps.size(), 1U);
  const MapReport& map = report.maps.front();
  EXPECT_EQ(map.indexes, 6U);
  EXPECT_EQ(map.live, 5U);
  EXPECT_EQ(map.unreferenced, 1U);
  EXPECT_EQ(map.added, 6U);
  EXPECT_GE(map.pending_bytes, kKeyedMallocBytes);
  EXPECT_EQ(map.ladder.no_indexes, 1U);
  EXPECT_EQ(map.memory.total_bytes(), map_->memory_usage().total_bytes());
}

// --- failing memory

TEST_F(KeyedMapLimitsTest, V4CreateThatFailsLeavesNothing) {
  MakeMap(2);
  LimitedOwners others;
  std::unique_ptr<KeyedIndexMap> made;
  EXPECT_GE(
      FailEachAllocation(
          [&] { return KeyedIndexMap::Create(others.store(), kKeyBytes, Options(16), &made); },
          [&] {
            EXPECT_EQ(made, nullptr);
            EXPECT_EQ(others.store().account().used_bytes(), 0U);
          }),
      7);
}

TEST_F(KeyedMapLimitsTest, V4ASetThatFailsChangesNothing) {
  MakeMap(9);
  auto& owner = owners_.Add();
  ASSERT_EQ(Set(0, 0), Status::kOk);
  ASSERT_EQ(Assign(owner, 0), Status::kOk);
  int failures = 0;
  for (uint64_t n = 0; n < 100; ++n) {
    KeyRef ref;
    failures += FailEachAllocation([&] { return Set(n, n + 1, &ref); },
                                   [&] {
                                     EXPECT_FALSE(ref);
                                     EXPECT_EQ(ValueOf(n), n == 0 ? Value(0) : Bytes());
                                     EXPECT_EQ(map_->stats().values, n == 0 ? 1 : n);
                                     EXPECT_EQ(map_->keys().open_refs(), 0U);
                                     ExpectSound();
                                   });
  }
  EXPECT_GE(failures, 100);
  EXPECT_EQ(Held(owner), Value(1));
  // All others need no memory.
  SetAllocationsLeftForTest(0);
  KeyRef ref;
  EXPECT_EQ(map_->Find(Key(7), &ref), Status::kOk);
  EXPECT_EQ(map_->Assign(owner, ref), Status::kOk);
  EXPECT_EQ(Assign(owner, 8), Status::kOk);
  EXPECT_EQ(map_->Erase(Key(8)), Status::kOk);
  EXPECT_EQ(map_->Delete(owner), Status::kOk);
  SetAllocationsLeftForTest(-1);
}

}  // namespace
}  // namespace inlay
