#include "engine/layouts/owner_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "inlay/rcu.h"
#include "tests/failing_allocations.h"

namespace inlay {
namespace {

// Owners at the distance of real ones.
const void* OwnerAt(uint32_t number) {
  return reinterpret_cast<const void*>(uintptr_t{0x1000} + uintptr_t{number} * 1472);
}

class OwnerTableTest : public testing::Test {
 protected:
  ~OwnerTableTest() override {
    RetireBarrier();
    EXPECT_EQ(pending_.used_bytes(), 0U);
  }

  void MakeValues(uint32_t count) {
    values_.resize(count);
    for (uint32_t i = 0; i < count; ++i) values_[i].owner = OwnerAt(i);
    ASSERT_TRUE(table_.Prepare());
  }
  void InsertAll() {
    for (SideValue& value : values_) {
      ASSERT_TRUE(table_.Insert(&value));
      most_moved_ = std::max(most_moved_, table_.Step());
    }
  }
  void RemoveAllButFirst(size_t kept) {
    for (size_t i = kept; i < values_.size(); ++i) {
      ASSERT_EQ(table_.Remove(values_[i].owner), &values_[i]);
      most_moved_ = std::max(most_moved_, table_.Step());
    }
  }
  void ExpectFirst(size_t count) {
    for (size_t i = 0; i < values_.size(); ++i) {
      ASSERT_EQ(table_.Find(values_[i].owner), i < count ? &values_[i] : nullptr) << i;
    }
  }
  size_t Visited() {
    size_t visited = 0;
    for (uint32_t number = 0; number < table_.buckets_now(); ++number) {
      table_.ForEachIn(number, [&](const SideValue*) { ++visited; });
    }
    return visited;
  }

  Account pending_;
  OwnerTable table_{&pending_};
  std::vector<SideValue> values_;
  uint32_t most_moved_ = 0;
};

TEST_F(OwnerTableTest, AnEmptyTableHasNothing) {
  EXPECT_EQ(table_.Find(OwnerAt(1)), nullptr);
  EXPECT_EQ(table_.bytes(), 0U);
  EXPECT_EQ(table_.Trim(), 0U);
}

TEST_F(OwnerTableTest, AgreesWithAModel) {
  constexpr uint32_t kOwners = 2000;
  ASSERT_NO_FATAL_FAILURE(MakeValues(2 * kOwners));
  for (uint32_t i = 0; i < values_.size(); ++i) values_[i].owner = OwnerAt(i % kOwners);
  std::map<const void*, SideValue*> model;
  std::mt19937 random(1);
  for (int step = 0; step < 60000; ++step) {
    // Grows and shrinks in turns.
    const uint32_t in_use = step / 10000 % 2 == 0 ? kOwners : 20;
    SideValue& value = values_[random() % values_.size()];
    const auto held = model.find(value.owner);
    const bool wanted = model.size() < in_use;
    if (held == model.end()) {
      if (!wanted) continue;
      ASSERT_TRUE(table_.Insert(&value));
      model[value.owner] = &value;
    } else if (wanted) {
      EXPECT_EQ(table_.Replace(&value), held->second);
      held->second = &value;
    } else {
      EXPECT_EQ(table_.Remove(value.owner), held->second);
      model.erase(held);
    }
    table_.Step();
    if (step % 7777 == 0) table_.Trim();
    ASSERT_EQ(table_.values(), model.size());
    const void* const some = OwnerAt(static_cast<uint32_t>(random() % kOwners));
    const auto expected = model.find(some);
    ASSERT_EQ(table_.Find(some), expected == model.end() ? nullptr : expected->second);
    if (step % 1000 != 0) continue;
    for (const auto& [owner, of] : model) ASSERT_EQ(table_.Find(owner), of);
    ASSERT_EQ(Visited(), model.size());
  }
}

// A write beside a growing or shrinking table waits for a few moves at most.
TEST_F(OwnerTableTest, NoStepMovesMoreThanAFewValues) {
  constexpr uint32_t kMostMoved = 24;
  ASSERT_NO_FATAL_FAILURE(MakeValues(200000));
  ASSERT_NO_FATAL_FAILURE(InsertAll());
  EXPECT_GE(table_.buckets_now() * OwnerTable::kMostPerBucket, values_.size());
  EXPECT_LT(table_.buckets_now() * OwnerTable::kMostPerBucket, values_.size() + 4);
  EXPECT_GT(most_moved_, 0U);
  EXPECT_LE(most_moved_, kMostMoved);
  EXPECT_LT(table_.bytes(), values_.size() * 40);
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(values_.size()));
  ASSERT_NO_FATAL_FAILURE(RemoveAllButFirst(100));
  EXPECT_LE(most_moved_, kMostMoved);
  EXPECT_LE(table_.buckets_now(), 200U);
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(100));
}

// The memory of a burst goes by itself, in steps; Trim() returns the rest at once.
TEST_F(OwnerTableTest, ShrinksWithItsValues) {
  ASSERT_NO_FATAL_FAILURE(MakeValues(100000));
  ASSERT_NO_FATAL_FAILURE(InsertAll());
  const size_t full_bytes = table_.bytes();
  ASSERT_NO_FATAL_FAILURE(RemoveAllButFirst(40000));
  const size_t before = table_.bytes();
  const size_t returned = table_.Trim();
  EXPECT_GT(returned, 0U);
  EXPECT_EQ(before - table_.bytes(), returned);
  EXPECT_EQ(table_.buckets_now(), 20000U);
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(40000));
  values_.resize(40000);
  ASSERT_NO_FATAL_FAILURE(RemoveAllButFirst(1000));
  EXPECT_LT(table_.bytes(), full_bytes / 8);
}

TEST_F(OwnerTableTest, WithoutMemoryToGrowItWorksOn) {
  ASSERT_NO_FATAL_FAILURE(MakeValues(20000));
  for (size_t i = 0; i < values_.size(); ++i) {
    // Every second step is refused all memory, and an insertion may be as well.
    SetAllocationsLeftForTest(i % 2 == 0 ? 0 : -1);
    if (!table_.Insert(&values_[i])) {
      ASSERT_EQ(table_.Find(values_[i].owner), nullptr);
      SetAllocationsLeftForTest(-1);
      ASSERT_TRUE(table_.Insert(&values_[i]));
    }
    table_.Step();
  }
  SetAllocationsLeftForTest(-1);
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(values_.size()));
  for (size_t i = values_.size(); i-- > 100;) {
    SetAllocationsLeftForTest(i % 2 == 0 ? 0 : -1);
    ASSERT_EQ(table_.Remove(values_[i].owner), &values_[i]);
    table_.Step();
  }
  SetAllocationsLeftForTest(0);
  table_.Trim();
  SetAllocationsLeftForTest(-1);
  values_.resize(100);
  ASSERT_NO_FATAL_FAILURE(ExpectFirst(100));
  ASSERT_EQ(Visited(), 100U);
}

TEST_F(OwnerTableTest, PreparationWithoutMemoryFails) {
  SetAllocationsLeftForTest(0);
  EXPECT_FALSE(table_.Prepare());
  SetAllocationsLeftForTest(1);
  EXPECT_FALSE(table_.Prepare()) << "addresses, but no memory";
  SetAllocationsLeftForTest(-1);
  EXPECT_TRUE(table_.Prepare());
}

}  // namespace
}  // namespace inlay
