// Threads that intern, release and retire one value, in the orders that matter. Test points force
// every order.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "inlay/rcu.h"
#include "inlay/value_table.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/table/made_table.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kRacedBytes = 24;

void Elsewhere(const std::function<void()>& run) { std::thread(run).join(); }

class ValueTableRacesTest : public testing::Test {
 protected:
  ~ValueTableRacesTest() override { ExpectSound(*table_); }

  void Make(uint32_t max_values) {
    table_ = MakeTable({.value_bytes = kRacedBytes, .max_values = max_values, .background = false});
  }
  static Bytes Value(uint64_t n) { return NumberedValue(n, kRacedBytes); }
  ValueIndex Interned(uint64_t n) {
    ValueIndex index = kNoIndex;
    EXPECT_EQ(table_->Intern(Value(n), &index), Status::kOk);
    return index;
  }
  Bytes At(ValueIndex index) { return Copied(table_->At(index), kRacedBytes); }

  std::unique_ptr<ValueTable> table_;
};

// The writers' half of V2: Intern() has compared the bytes, and has no reference yet. Now the value
// is released and retired. Its index must not get other bytes before Intern() is done with it.
TEST_F(ValueTableRacesTest, V2InternTakesNoReferenceToOtherBytesThanItCompared) {
  Make(1);
  const ValueIndex first = Interned(1);
  const AtTestPoint searched("intern.searched", [&] {
    const bool may_wait = !InReadSection();  // a wait inside would be for ever
    Elsewhere([&] {
      table_->Release(first);
      if (may_wait) {
        table_->ReclaimAndWait();
      } else {
        table_->Reclaim();
      }
      ValueIndex other = kNoIndex;
      EXPECT_EQ(table_->Intern(Value(2), &other), Status::kNoIndexes)
          << "the index is used again while a search looks at it";
    });
  });
  // The section is over by now: the value may have been added anew, or not yet.
  ValueIndex index = kNoIndex;
  if (table_->Intern(Value(1), &index) != Status::kOk) return;
  EXPECT_EQ(At(index), Value(1));
  EXPECT_EQ(table_->total_references(), 1U);
  table_->Release(index);
}

TEST_F(ValueTableRacesTest, V1TwoThreadsThatBothFoundNothingAddOneValue) {
  Make(10);
  ValueIndex other = kNoIndex;
  const AtTestPoint searched("intern.searched", [&] { Elsewhere([&] { other = Interned(1); }); });
  const ValueIndex index = Interned(1);
  EXPECT_EQ(index, other);
  EXPECT_EQ(table_->stats().live, 1U);
  EXPECT_EQ(table_->total_references(), 2U);
  ExpectSound(*table_);
  table_->Release(index);
  table_->Release(index);
}

// The index is used again for the same bytes, so that a search would find them there already.
TEST_F(ValueTableRacesTest, AValueIsFoundOnlyWhenItsBytesAreThere) {
  Make(1);
  const ValueIndex index = Interned(1);
  table_->Release(index);
  ASSERT_EQ(table_->ReclaimAndWait(), 1U);
  bool passed = false;
  const AtTestPoint copies("add.copies", [&] {
    passed = true;
    Elsewhere([&] {
      const ReadSection section;
      EXPECT_EQ(table_->Find(Value(1)), kNoIndex);
      EXPECT_FALSE(table_->TryRef(index));
    });
  });
  EXPECT_EQ(Interned(1), index);
  EXPECT_TRUE(passed);
  EXPECT_EQ(At(index), Value(1));
  table_->Release(index);
}

TEST_F(ValueTableRacesTest, AValueThatGainsAReferenceMeanwhileIsNotRetired) {
  Make(1);
  const ValueIndex index = Interned(1);
  table_->Release(index);
  bool passed = false;
  const AtTestPoint seen("retire.seen_unreferenced", [&] {
    passed = true;
    Elsewhere([&] { EXPECT_TRUE(table_->TryRef(index)); });
  });
  EXPECT_EQ(table_->Reclaim(), 0U);
  EXPECT_TRUE(passed);
  EXPECT_EQ(table_->total_references(), 1U);
  EXPECT_EQ(Interned(1), index);
  table_->Release(index);
  table_->Release(index);
}

}  // namespace
}  // namespace inlay
