// Readers beside moves of an owner table, in the orders that matter.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "engine/layouts/owner_table.h"
#include "inlay/rcu.h"
#include "tests/engine/races/stopped_thread.h"

namespace inlay {
namespace {

class OwnerTableRacesTest : public testing::Test {
 protected:
  OwnerTableRacesTest() {
    EXPECT_TRUE(table_.Prepare());
    for (uintptr_t i = 0; i < values_.size(); ++i) {
      values_[i].owner = reinterpret_cast<const void*>(0x1000 + i * 64);
    }
  }
  ~OwnerTableRacesTest() override { RetireBarrier(); }  // for pending_

  void Insert(size_t count) {
    for (size_t i = 0; i < count; ++i) EXPECT_TRUE(table_.Insert(&values_[i]));
  }
  void ExpectAll(size_t count) {
    const ReadSection section;
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(table_.Find(values_[i].owner), &values_[i]) << i;
  }
  // Steps, and stops at both points of a move; readers find every value there.
  void StepUnder(const std::string& point, size_t count) {
    StoppedThread step(point, [this] { EXPECT_GT(table_.Step(), 0U); });
    EXPECT_TRUE(step.stopped());
    ExpectAll(count);
    // Another thread's step need not wait for this one.
    EXPECT_EQ(table_.Step(), 0U);
    step.Finish();
    ExpectAll(count);
  }

  Account pending_;
  OwnerTable table_{&pending_};
  std::vector<SideValue> values_ = std::vector<SideValue>(1000);
};

TEST_F(OwnerTableRacesTest, AReaderFindsEveryValueDuringASplit) {
  Insert(1000);
  for (int i = 0; i < 20; ++i) {
    StepUnder("owner_table.copied", 1000);
    StepUnder("owner_table.published", 1000);
  }
}

TEST_F(OwnerTableRacesTest, AReaderFindsEveryValueDuringAMerge) {
  Insert(1000);
  while (table_.buckets_now() < 500) table_.Step();
  for (size_t i = 200; i < 1000; ++i) table_.Remove(values_[i].owner);
  int merges = 0;
  for (int i = 0; i < 20; ++i) {
    const uint32_t before = table_.buckets_now();
    StoppedThread step("owner_table.published", [this] { table_.Step(); });
    EXPECT_TRUE(step.stopped());
    EXPECT_EQ(table_.buckets_now(), before - 1);
    ExpectAll(200);
    step.Finish();
    ExpectAll(200);
    ++merges;
  }
  EXPECT_EQ(merges, 20);
}

// The reader has chosen a bucket, and then the value moves to another one.
TEST_F(OwnerTableRacesTest, AReaderThatMissesAValueOnItsWaySearchesAgain) {
  Insert(1000);
  for (size_t i = 0; i < 400; ++i) {
    const uint32_t before = table_.buckets_now();
    const AtTestPoint chosen("owner_table.shape_read",
                             [&] { std::thread([&] { table_.Step(); }).join(); });
    const ReadSection section;
    EXPECT_EQ(table_.Find(values_[i].owner), &values_[i]) << i;
    EXPECT_EQ(table_.buckets_now(), before + 1);
  }
}

// The reader has passed the front bucket when the value moves there from the chain behind it.
TEST_F(OwnerTableRacesTest, AReaderThatAValuePassesOnItsWayUpSearchesAgain) {
  // The values of each bucket, in the order in which they go in: the front has room for six.
  constexpr size_t kInFront = 6;
  std::vector<SideValue*> in_bucket[OwnerTable::kFewestBuckets];
  for (SideValue& value : values_) {
    const uint64_t number = OwnerTable::HashOf(value.owner) >> 32;
    in_bucket[number % OwnerTable::kFewestBuckets].push_back(&value);
  }
  Insert(1000);
  int pulled_up = 0;
  for (const std::vector<SideValue*>& inserted : in_bucket) {
    if (inserted.size() <= kInFront) continue;
    SideValue* const chained = inserted[kInFront];
    bool passed = false;
    const AtTestPoint front_passed("owner_table.bucket_passed", [&] {
      passed = true;
      std::thread([&] { table_.Remove(inserted[0]->owner); }).join();
    });
    {
      const ReadSection section;
      EXPECT_EQ(table_.Find(chained->owner), chained);
    }
    EXPECT_TRUE(passed) << "the value was not in the chain";
    ++pulled_up;
  }
  EXPECT_GT(pulled_up, 50);
}

}  // namespace
}  // namespace inlay
