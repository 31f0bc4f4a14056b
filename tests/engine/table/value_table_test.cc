// A ValueTable in one thread. value_table_reclaim_test.cc tests reclamation,
// value_table_limits_test.cc limits and failing memory, value_table_concurrent_test.cc threads.

#include "inlay/value_table.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "engine/table/hash.h"
#include "inlay/rcu.h"
#include "tests/engine/table/made_table.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

ValueIndex InternOk(ValueTable& table, const Bytes& value) {
  ValueIndex index = kNoIndex;
  EXPECT_EQ(table.Intern(value, &index), Status::kOk);
  return index;
}

TEST(ValueTableTest, OptionsOutOfRangeAreInvalid) {
  const std::array<ValueTableOptions, 8> wrong = {{
      {.value_bytes = 0},
      {.value_bytes = 65537},
      {.value_bytes = 8, .max_values = 0},
      {.value_bytes = 8, .max_values = 65535},
      {.value_bytes = 8, .alignment = 0},
      {.value_bytes = 8, .alignment = 3},
      {.value_bytes = 8, .alignment = 8192},
      {.value_bytes = UINT32_MAX},
  }};
  for (const ValueTableOptions& options : wrong) {
    std::unique_ptr<ValueTable> table;
    EXPECT_EQ(ValueTable::Create(options, &table), Status::kInvalid);
    EXPECT_EQ(table, nullptr);
  }
}

TEST(ValueTableTest, V1EqualBytesEqualIndex) {
  const auto table = MakeTable({.value_bytes = 100});
  std::map<ValueIndex, Bytes> by_index;
  for (uint64_t n = 0; n < 3000; ++n) {
    const Bytes value = NumberedValue(n % 700, 100);
    const ValueIndex index = InternOk(*table, value);
    ASSERT_GE(index, 1U);
    const auto [at, fresh] = by_index.emplace(index, value);
    ASSERT_EQ(at->second, value) << "two values under one index";
    ASSERT_EQ(fresh, n < 700) << "two indexes of one value";
  }
  EXPECT_EQ(table->stats().live, 700U);
  EXPECT_EQ(table->total_references(), 3000U);
  ExpectSound(*table);
}

TEST(ValueTableTest, WrongSizeIsInvalidAndChangesNothing) {
  const auto table = MakeTable({.value_bytes = 8});
  ValueIndex index = 77;
  for (const size_t bytes : {size_t{0}, size_t{7}, size_t{9}}) {
    EXPECT_EQ(table->Intern(NumberedValue(1, bytes), &index), Status::kInvalid);
  }
  EXPECT_EQ(index, 77U);
  EXPECT_EQ(table->stats().live, 0U);
}

TEST(ValueTableTest, FindTakesNoReference) {
  const auto table = MakeTable({.value_bytes = 8});
  const ValueIndex index = InternOk(*table, NumberedValue(1, 8));
  ReadSection section;
  EXPECT_EQ(table->Find(NumberedValue(1, 8)), index);
  EXPECT_EQ(table->Find(NumberedValue(2, 8)), kNoIndex);
  EXPECT_EQ(table->Find(NumberedValue(1, 7)), kNoIndex);
  EXPECT_EQ(table->total_references(), 1U);
}

TEST(ValueTableTest, TryRefAndReleaseCount) {
  const auto table = MakeTable({.value_bytes = 8});
  const ValueIndex index = InternOk(*table, NumberedValue(1, 8));
  EXPECT_TRUE(table->TryRef(index));
  EXPECT_EQ(table->total_references(), 2U);
  table->Release(index);
  table->Release(index);
  EXPECT_EQ(table->total_references(), 0U);
  EXPECT_EQ(table->stats().unreferenced, 1U);
  {
    ReadSection section;
    EXPECT_EQ(table->Find(NumberedValue(1, 8)), index) << "an unreferenced value stays findable";
    EXPECT_TRUE(table->TryRef(index));
  }
  EXPECT_EQ(table->stats().live, 1U);
  ExpectSound(*table);
}

TEST(ValueTableTest, TryRefOfARetiredValueIsFalse) {
  const auto table = MakeTable({.value_bytes = 8});
  const ValueIndex index = InternOk(*table, NumberedValue(1, 8));
  ReadSection section;
  table->Release(index);
  EXPECT_EQ(table->Reclaim(), 1U);
  EXPECT_FALSE(table->TryRef(index));
  EXPECT_EQ(table->Find(NumberedValue(1, 8)), kNoIndex);
  EXPECT_EQ(Copied(table->At(index), 8), NumberedValue(1, 8)) << "V2";
  ExpectSound(*table);
}

TEST(ValueTableTest, AddressesAreStableWhileTheTableGrows) {
  const auto table = MakeTable({.value_bytes = 64});
  const ValueIndex first = InternOk(*table, NumberedValue(0, 64));
  const std::byte* const at = table->At(first);
  for (uint64_t n = 1; n < 20000; ++n) InternOk(*table, NumberedValue(n, 64));
  EXPECT_EQ(table->At(first), at);
  EXPECT_EQ(Copied(at, 64), NumberedValue(0, 64));
  EXPECT_EQ(table->At(first), table->base() + first * table->stride_bytes());
  ExpectSound(*table);
}

TEST(ValueTableTest, AlignmentIsKept) {
  for (const uint32_t alignment : {1U, 2U, 8U, 64U, 4096U}) {
    const auto table = MakeTable({.value_bytes = 5, .max_values = 100, .alignment = alignment});
    for (uint64_t n = 0; n < 100; ++n) {
      const ValueIndex index = InternOk(*table, NumberedValue(n, 5));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(table->At(index)) % alignment, 0U);
    }
  }
}

TEST(ValueTableTest, ForEachVisitsFindableValuesInOrderWithTheirCounts) {
  const auto table = MakeTable({.value_bytes = 8});
  for (uint64_t n = 0; n < 10; ++n) {
    for (uint64_t i = 0; i <= n; ++i) InternOk(*table, NumberedValue(n, 8));
  }
  ValueIndex unreferenced = kNoIndex;
  {
    ReadSection section;
    unreferenced = table->Find(NumberedValue(0, 8));
  }
  table->Release(unreferenced);
  std::vector<uint32_t> counts;
  ValueIndex last = 0;
  table->ForEach([&](ValueIndex index, std::span<const std::byte> value, uint32_t count) {
    EXPECT_GT(index, last);
    last = index;
    EXPECT_EQ(Bytes(value.begin(), value.end()), NumberedValue(counts.size(), 8));
    counts.push_back(count);
  });
  EXPECT_EQ(counts, (std::vector<uint32_t>{0, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(ValueTableTest, StatsAddUp) {
  const auto table = MakeTable({.value_bytes = 32, .max_values = 5000, .background = false});
  std::vector<ValueIndex> indexes;
  for (uint64_t n = 0; n < 3000; ++n) indexes.push_back(InternOk(*table, NumberedValue(n, 32)));
  for (size_t i = 0; i < 1000; ++i) table->Release(indexes[i]);
  ValueTableStats stats = table->stats();
  EXPECT_EQ(stats.live + stats.unreferenced + stats.retired + stats.free + stats.never_used, 5000U);
  EXPECT_EQ(stats.live, 2000U);
  EXPECT_EQ(stats.unreferenced, 1000U);
  EXPECT_EQ(stats.reclaimed, 0U);
  EXPECT_GE(stats.slots, 3000U);
  EXPECT_EQ(table->Reclaim(), 1000U);
  stats = table->stats();
  EXPECT_EQ(stats.live, 2000U);
  EXPECT_EQ(stats.unreferenced, 0U);
  EXPECT_EQ(stats.reclaimed, 1000U);
  EXPECT_EQ(stats.retired + stats.free, 1000U);
  EXPECT_EQ(stats.live + stats.retired + stats.free + stats.never_used, 5000U);
  ExpectSound(*table);
}

TEST(ValueTableTest, ProbesAreShortForUnrelatedValues) {
  const auto table = MakeTable({.value_bytes = 16});
  for (uint64_t n = 0; n < 40000; ++n) InternOk(*table, NumberedValue(n, 16));
  const ValueTableStats stats = table->stats();
  EXPECT_GE(stats.mean_probe, 1.0);
  EXPECT_LT(stats.mean_probe, 3.0);
  EXPECT_LT(stats.max_probe, 200U);
}

// Linear probing: an erased slot inside a run must not hide the slots behind it.
TEST(ValueTableTest, ValuesStayFindableAmongErasedOnes) {
  const auto table = MakeTable({.value_bytes = 8});
  std::map<uint64_t, ValueIndex> held;
  for (uint64_t n = 0; n < 4000; ++n) held[n] = InternOk(*table, NumberedValue(n, 8));
  for (uint64_t n = 0; n < 4000; n += 3) {
    table->Release(held[n]);
    held.erase(n);
    if (n % 30 == 0) table->Reclaim();
  }
  table->Reclaim();
  ReadSection section;
  for (uint64_t n = 0; n < 4000; ++n) {
    const auto at = held.find(n);
    EXPECT_EQ(table->Find(NumberedValue(n, 8)), at == held.end() ? kNoIndex : at->second);
  }
  ExpectSound(*table);
}

// --- S1

// Values that an attacker chooses to collide under a known seed.
std::vector<Bytes> CollidingValues(uint64_t seed, size_t count) {
  std::vector<Bytes> values;
  for (uint64_t n = 0; values.size() < count; ++n) {
    Bytes value = NumberedValue(n, 16);
    if ((HashValue(value, seed) & 0xfff) == 0) values.push_back(std::move(value));
  }
  return values;
}

TEST(ValueTableTest, S1ChosenCollisionsHoldForOneSeedOnly) {
  constexpr uint64_t kRepeatedSeed = 42;
  const std::vector<Bytes> chosen = CollidingValues(kRepeatedSeed, 200);
  const auto known = MakeTable({.value_bytes = 16, .seed = kRepeatedSeed});
  for (const Bytes& value : chosen) InternOk(*known, value);
  EXPECT_EQ(known->stats().max_probe, 200U) << "the values do not collide: the test proves nothing";
  for (int i = 0; i < 5; ++i) {
    const auto unknown = MakeTable({.value_bytes = 16});
    for (const Bytes& value : chosen) InternOk(*unknown, value);
    EXPECT_LT(unknown->stats().max_probe, 40U);
  }
}

TEST(ValueTableTest, S1TablesDoNotShareASeed) {
  std::set<double> mean_probes;
  for (int i = 0; i < 6; ++i) {
    const auto table = MakeTable({.value_bytes = 8});
    for (uint64_t n = 0; n < 2000; ++n) InternOk(*table, NumberedValue(n, 8));
    mean_probes.insert(table->stats().mean_probe);
  }
  EXPECT_GT(mean_probes.size(), 1U);
}

// --- ValueRef

TEST(ValueRefTest, HoldsOneReferenceAndGivesItBack) {
  const auto table = MakeTable({.value_bytes = 8});
  {
    ValueRef ref;
    EXPECT_FALSE(ref);
    EXPECT_EQ(ref.index(), kNoIndex);
    ASSERT_EQ(ValueRef::Intern(table.get(), NumberedValue(1, 8), &ref), Status::kOk);
    EXPECT_TRUE(ref);
    EXPECT_EQ(Bytes(ref.bytes().begin(), ref.bytes().end()), NumberedValue(1, 8));
    EXPECT_EQ(table->total_references(), 1U);
    ValueRef second = ref.Share();
    EXPECT_EQ(second.index(), ref.index());
    EXPECT_EQ(table->total_references(), 2U);
    ValueRef moved = std::move(second);
    EXPECT_EQ(table->total_references(), 2U);
    moved = ref.Share();
    EXPECT_EQ(table->total_references(), 2U);
    moved.Reset();
    EXPECT_EQ(table->total_references(), 1U);
    EXPECT_EQ(ValueRef::Intern(table.get(), NumberedValue(1, 7), &ref), Status::kInvalid);
    EXPECT_TRUE(ref) << "unchanged on failure";
    EXPECT_FALSE(ValueRef().Share());
  }
  EXPECT_EQ(table->total_references(), 0U);
  ExpectSound(*table);
}

TEST(ValueTableReferencesTest, OpenValueRefsAreNotLost) {
  const std::unique_ptr<ValueTable> table = MakeTable({.value_bytes = 8, .max_values = 4});
  std::vector<uint64_t> counted(5);
  std::string reason;
  ValueIndex index = kNoIndex;
  ASSERT_EQ(table->Intern(NumberedValue(1, 8), &index), Status::kOk);
  counted[index] = 1;
  EXPECT_TRUE(table->CheckReferences(counted, &reason)) << reason;
  {
    ValueRef first;
    ASSERT_EQ(ValueRef::Intern(table.get(), NumberedValue(1, 8), &first), Status::kOk);
    const ValueRef second = first.Share();
    ValueRef moved = std::move(first);
    EXPECT_TRUE(table->CheckReferences(counted, &reason)) << reason;
    ASSERT_TRUE(table->TryRef(index));  // lost
    EXPECT_FALSE(table->CheckReferences(counted, &reason));
    EXPECT_EQ(reason, "V3: 3 references are in no owner, and 2 ValueRefs are open");
    table->Release(index);
  }
  EXPECT_TRUE(table->CheckReferences(counted, &reason)) << reason;
  counted[index] = 2;
  EXPECT_FALSE(table->CheckReferences(counted, &reason));
  EXPECT_EQ(reason, "V3: index 1 is in 2 owners and has a count of 1");
  counted[index] = 1;
  counted[3] = 1;
  EXPECT_FALSE(table->CheckReferences(counted, &reason));
  EXPECT_EQ(reason, "V3: an owner holds the index of a value that is gone");
}

}  // namespace
}  // namespace inlay
