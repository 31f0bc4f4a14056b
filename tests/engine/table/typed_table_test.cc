#include "inlay/typed_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tests/engine/table/count_of_value.h"
#include "tests/engine/table/made_table.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct Route {
  uint32_t next_hop, metric;
  friend bool operator==(const Route&, const Route&) = default;
};
using Routes = TypedTable<Route>;
using RouteRef = TypedRef<Route>;

static_assert(sizeof(RouteRef) == 8);
static_assert(!std::is_copy_constructible_v<RouteRef> && !std::is_copy_assignable_v<RouteRef>);
static_assert(std::is_nothrow_move_constructible_v<RouteRef>);
static_assert(std::is_nothrow_move_assignable_v<RouteRef>);

class TypedTableTest : public testing::Test {
 protected:
  explicit TypedTableTest(const ValueTableOptions& options = {}) {
    EXPECT_EQ(Routes::Create(options, &routes_), Status::kOk);
  }
  RouteRef Made(uint32_t next_hop, uint32_t metric = 0) {
    RouteRef ref;
    EXPECT_EQ(routes_->Intern({next_hop, metric}, &ref), Status::kOk);
    return ref;
  }
  void ExpectReferences(uint64_t open) {
    EXPECT_EQ(routes_->bytes().open_refs(), open);
    EXPECT_EQ(routes_->bytes().total_references(), open);
    const std::vector<uint64_t> no_owners(size_t{routes_->bytes().max_values()} + 1);
    std::string reason;
    EXPECT_TRUE(routes_->bytes().CheckReferences(no_owners, &reason)) << reason;
    ExpectSound(routes_->bytes());
  }

  std::unique_ptr<Routes> routes_;
};

TEST_F(TypedTableTest, EqualValuesHaveEqualHandlesAndOneCopy) {
  const RouteRef one = Made(1);
  const RouteRef same = Made(1);
  const RouteRef other = Made(2);
  EXPECT_TRUE(one == same);
  EXPECT_FALSE(one != same);
  EXPECT_NE(one.Hash(), other.Hash());
  EXPECT_TRUE(one != other);
  EXPECT_EQ(one.get(), same.get());
  EXPECT_EQ(one->next_hop, 1U);
  EXPECT_EQ(*other, (Route{2, 0}));
  EXPECT_EQ(routes_->bytes().counts().live, 2U);
  ExpectReferences(3);
}

TEST_F(TypedTableTest, AnEmptyHandle) {
  RouteRef empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(empty.get(), nullptr);
  EXPECT_TRUE(empty == RouteRef());
  EXPECT_FALSE(empty == Made(1));
  EXPECT_EQ(empty.Hash(), RouteRef().Hash());
  EXPECT_FALSE(empty.Share());
  EXPECT_EQ(empty.bytes().index(), kNoIndex);
  EXPECT_EQ(empty.bytes().table(), nullptr);
  empty.Reset();
  empty = RouteRef();
  EXPECT_FALSE(empty);
  ExpectReferences(0);
}

TEST_F(TypedTableTest, AHandleThatWasMovedFromIsEmpty) {
  RouteRef one = Made(1);
  const Route* const value = one.get();
  RouteRef moved = std::move(one);
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move): the contract
  EXPECT_EQ(moved.get(), value);
  ExpectReferences(1);
  RouteRef other = Made(2);
  other = std::move(moved);
  EXPECT_FALSE(moved);  // NOLINT(bugprone-use-after-move): likewise
  EXPECT_EQ(other.get(), value);
  ExpectReferences(1);
  RouteRef& self = other;
  other = std::move(self);
  EXPECT_EQ(other.get(), value);
  ExpectReferences(1);
  std::swap(one, other);
  EXPECT_EQ(one.get(), value);
  EXPECT_FALSE(other);
}

TEST_F(TypedTableTest, ShareIsASecondReferenceToTheSameValue) {
  RouteRef one = Made(1);
  RouteRef second = one.Share();
  EXPECT_TRUE(one == second);
  ExpectReferences(2);
  one.Reset();
  EXPECT_FALSE(one);
  EXPECT_EQ(second->next_hop, 1U) << "the value lives";
  ExpectReferences(1);
  second.Reset();
  second.Reset();
  ExpectReferences(0);
}

TEST_F(TypedTableTest, InternReplacesWhatTheHandleHad) {
  RouteRef ref = Made(1);
  ASSERT_EQ(routes_->Intern({2, 0}, &ref), Status::kOk);
  EXPECT_EQ(ref->next_hop, 2U);
  ExpectReferences(1);
  ASSERT_EQ(routes_->Intern(*ref, &ref), Status::kOk) << "its own value";
  EXPECT_EQ(ref->next_hop, 2U);
  ExpectReferences(1);
}

TEST_F(TypedTableTest, FindAddsNothing) {
  EXPECT_FALSE(routes_->Find({1, 1}));
  const RouteRef made = Made(1, 1);
  const RouteRef found = routes_->Find({1, 1});
  EXPECT_TRUE(found == made);
  EXPECT_FALSE(routes_->Find({1, 2}));
  EXPECT_EQ(routes_->bytes().counts().live, 1U);
  ExpectReferences(2);
}

TEST_F(TypedTableTest, HandlesOfOtherTablesAreNotEqual) {
  std::unique_ptr<Routes> others;
  ASSERT_EQ(Routes::Create({}, &others), Status::kOk);
  const RouteRef mine = Made(1);
  RouteRef theirs;
  ASSERT_EQ(others->Intern({1, 0}, &theirs), Status::kOk);
  EXPECT_EQ(mine.bytes().index(), theirs.bytes().index());
  EXPECT_EQ(*mine, *theirs);
  EXPECT_FALSE(mine == theirs);
  EXPECT_TRUE(mine.bytes().IsOf(&routes_->bytes()));
  EXPECT_FALSE(theirs.bytes().IsOf(&routes_->bytes()));
  EXPECT_FALSE(RouteRef().bytes().IsOf(&routes_->bytes()));
  EXPECT_FALSE(RouteRef().bytes().IsOf(nullptr));
}

TEST_F(TypedTableTest, HandlesAreKeysOfHashContainers) {
  std::unordered_map<RouteRef, int> uses;
  for (uint32_t i = 0; i < 3000; ++i) ++uses[Made(i % 1000)];
  EXPECT_EQ(uses.size(), 1000U);
  for (const auto& [route, count] : uses) EXPECT_EQ(count, 3) << route->next_hop;
  EXPECT_EQ(uses.count(Made(1001)), 0U);
  std::unordered_set<RouteRef> set;
  set.insert(Made(7));
  EXPECT_FALSE(set.insert(Made(7)).second);
  // Hashes differ in the bits that a table with a power of two of places looks at.
  std::set<size_t> low_bits;
  for (const auto& [route, count] : uses) low_bits.insert(route.Hash() % 4096);
  EXPECT_GT(low_bits.size(), 600U);
  uses.clear();
  set.clear();
  ExpectReferences(0);
}

TEST_F(TypedTableTest, HandlesInAVector) {
  std::vector<RouteRef> refs;
  for (uint32_t i = 0; i < 100; ++i) refs.push_back(Made(i % 10));
  refs.erase(refs.begin(), refs.begin() + 50);
  ExpectReferences(50);
  EXPECT_EQ(refs.front()->next_hop, 0U);
  refs.clear();
  ExpectReferences(0);
}

TEST_F(TypedTableTest, ShareFailsAtTheLimitOfTheCountAndChangesNothing) {
  RouteRef one = Made(1);
  SetCountOfValue(routes_->bytes(), one.bytes().index(), RefWord::kMaxCount - 1);
  RouteRef last = one.Share();
  EXPECT_TRUE(last == one);
  EXPECT_FALSE(one.Share());
  EXPECT_EQ(routes_->bytes().open_refs(), 2U);
  EXPECT_FALSE(routes_->Find({1, 0}));
  RouteRef kept = Made(2);
  EXPECT_EQ(routes_->Intern({1, 0}, &kept), Status::kNoMemory);
  EXPECT_EQ(kept->next_hop, 2U) << "unchanged";
  last.Reset();
  last = one.Share();
  EXPECT_TRUE(last == one);
  SetCountOfValue(routes_->bytes(), one.bytes().index(), 2);
  ExpectReferences(3);
}

class SmallTypedTableTest : public TypedTableTest {
 protected:
  SmallTypedTableTest() : TypedTableTest({.max_values = 2, .background = false}) {}
};

TEST_F(SmallTypedTableTest, AFullTableRefusesAndLeavesTheHandle) {
  RouteRef one = Made(1);
  const RouteRef two = Made(2);
  EXPECT_EQ(routes_->Intern({3, 0}, &one), Status::kNoIndexes);
  EXPECT_EQ(one->next_hop, 1U);
  ExpectReferences(2);
  one.Reset();
  ASSERT_EQ(routes_->bytes().EnsureRoom(1), Status::kOk);
  ASSERT_EQ(routes_->Intern({3, 0}, &one), Status::kOk);
  EXPECT_EQ(one->next_hop, 3U);
  EXPECT_EQ(two->next_hop, 2U);
}

struct alignas(64) Wide {
  uint64_t words[8];
};

TEST(TypedTableOfTest, ValuesThatNeedMoreAlignment) {
  std::unique_ptr<TypedTable<Wide>> table;
  ASSERT_EQ(TypedTable<Wide>::Create({}, &table), Status::kOk);
  std::vector<TypedRef<Wide>> refs(50);
  for (uint64_t i = 0; i < refs.size(); ++i) {
    ASSERT_EQ(table->Intern({{i, i + 1, 0, 0, 0, 0, 0, i}}, &refs[i]), Status::kOk);
  }
  for (uint64_t i = 0; i < refs.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(refs[i].get()) % 64, 0U);
    EXPECT_EQ(refs[i]->words[7], i);
  }
}

TEST(TypedTableOfTest, ValuesOfOneByteAndOfThreeHaveTheStrideOfTheTable) {
  std::unique_ptr<TypedTable<uint8_t>> bytes;
  ASSERT_EQ(TypedTable<uint8_t>::Create({}, &bytes), Status::kOk);
  std::vector<TypedRef<uint8_t>> refs(256);
  for (size_t i = 0; i < 256; ++i) {
    ASSERT_EQ(bytes->Intern(static_cast<uint8_t>(i), &refs[i]), Status::kOk);
  }
  for (size_t i = 0; i < 256; ++i) EXPECT_EQ(*refs[i], i);
}

TEST(TypedTableOfTest, CreateRefusesWhatATableRefuses) {
  std::unique_ptr<Routes> table;
  EXPECT_EQ(Routes::Create({.max_values = 0}, &table), Status::kInvalid);
  EXPECT_EQ(Routes::Create({.max_values = 65535}, &table), Status::kInvalid);
  EXPECT_EQ(table, nullptr);
}

TEST(ValueRefBitsTest, HoldsAddressesOfUserSpace) {
  EXPECT_TRUE(ValueRef::CanReferTo((uintptr_t{1} << 47) - 64));
  EXPECT_TRUE(ValueRef::CanReferTo((uintptr_t{1} << 48) - 64)) << "arm64";
  EXPECT_FALSE(ValueRef::CanReferTo(uintptr_t{1} << 48)) << "five levels of pages, on demand";
  EXPECT_FALSE(ValueRef::CanReferTo(uintptr_t{0xb4} << 56)) << "a tagged pointer";
}

TEST(ValueRefBitsTest, TheLastIndexAndAdoptAndDetach) {
  const auto table = MakeTable({.value_bytes = 2});
  std::vector<ValueIndex> indexes(ValueTable::kMaxValues);
  for (uint32_t i = 0; i < indexes.size(); ++i) {
    const auto number = static_cast<uint16_t>(i);
    ASSERT_EQ(table->Intern(std::as_bytes(std::span(&number, 1)), &indexes[i]), Status::kOk);
  }
  ASSERT_EQ(indexes.back(), ValueTable::kMaxValues);
  ValueRef last = ValueRef::Adopt(table.get(), indexes.back());
  EXPECT_EQ(last.index(), indexes.back());
  EXPECT_EQ(last.table(), table.get());
  EXPECT_EQ(table->open_refs(), 1U);
  EXPECT_EQ(last.Detach(), indexes.back());
  EXPECT_FALSE(last);
  EXPECT_EQ(last.Detach(), kNoIndex);
  EXPECT_EQ(table->open_refs(), 0U);
  EXPECT_EQ(table->total_references(), indexes.size());
}

}  // namespace
}  // namespace inlay
