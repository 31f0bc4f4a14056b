// Spilled owners come home to the table without a write, and a reload leaves none outside.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kHomeValueBytes = 100;

Bytes HomeValue(uint64_t n) { return NumberedValue(n, kHomeValueBytes); }

template <typename Owners>
class HomecomingTest : public testing::Test {
 protected:
  using Owner = typename Owners::Owner;

  // Width 3 has six indexes. `count` owners have a value each; those past the sixth have spilled.
  void Fill(size_t count) {
    ASSERT_EQ(IndexMap::Create(
                  owners_.store(),
                  {.value_bytes = kHomeValueBytes, .width_bits = 3, .background = false}, &map_),
              Status::kOk);
    for (size_t n = 0; n < count; ++n) {
      owner_.push_back(&owners_.Add());
      ASSERT_EQ(map_->Update(*owner_[n], HomeValue(n), UpdateFlag::kAny), Status::kOk);
    }
    ASSERT_EQ(map_->stats().spilled_now, count - 6);
  }
  void TearDown() override {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    EXPECT_TRUE(owners_.store().CheckInvariants(&reason)) << reason;
    owners_.CloseAll();
    EXPECT_EQ(map_->stats().spilled_now, 0U);
    EXPECT_EQ(map_->table().total_references(), 0U);
    map_.reset();
    EXPECT_EQ(owners_.store().account().used_bytes(), 0U);
  }
  Bytes Held(const Owner& owner) {
    const ReadSection section;
    return Copied(map_->Get(owner), kHomeValueBytes);
  }

  Owners owners_;
  std::unique_ptr<IndexMap> map_;
  std::vector<Owner*> owner_;
};
TYPED_TEST_SUITE(HomecomingTest, AllOwnerKinds, OwnerKindName);

TYPED_TEST(HomecomingTest, AsManyComeHomeAsThereIsRoomFor) {
  this->Fill(10);
  EXPECT_EQ(this->map_->BringHome(100), 0U);
  for (size_t n = 0; n < 3; ++n) ASSERT_EQ(this->map_->Delete(*this->owner_[n]), Status::kOk);
  this->map_->Reclaim();
  EXPECT_EQ(this->map_->BringHome(100), 3U);
  EXPECT_EQ(this->map_->stats().spilled_now, 1U);
  EXPECT_EQ(this->map_->stats().brought_home, 3U);
  for (size_t n = 3; n < 10; ++n) EXPECT_EQ(this->Held(*this->owner_[n]), HomeValue(n));
}

TYPED_TEST(HomecomingTest, RetiresWhatNobodyUsesAndComesBackForTheRoom) {
  this->Fill(8);
  for (size_t n = 0; n < 2; ++n) ASSERT_EQ(this->map_->Delete(*this->owner_[n]), Status::kOk);
  size_t home = this->map_->BringHome(100);
  for (int grace_periods = 0; home < 2 && grace_periods < 10; ++grace_periods) {
    Synchronize();
    home += this->map_->BringHome(100);
  }
  EXPECT_EQ(home, 2U);
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
}

TYPED_TEST(HomecomingTest, ManyOwnersOfOneValueNeedOneIndex) {
  this->Fill(7);
  for (int i = 0; i < 200; ++i) {
    this->owner_.push_back(&this->owners_.Add());
    ASSERT_EQ(this->map_->Update(*this->owner_.back(), HomeValue(6), UpdateFlag::kAny),
              Status::kOk);
  }
  ASSERT_EQ(this->map_->stats().spilled_now, 201U);
  ASSERT_EQ(this->map_->Delete(*this->owner_[0]), Status::kOk);
  this->map_->Reclaim();
  // In bounded steps.
  size_t home = 0;
  int steps = 0;
  for (; home < 201 && steps < 100; ++steps) {
    const size_t now = this->map_->BringHome(10);
    ASSERT_LE(now, 10U);
    home += now;
  }
  EXPECT_EQ(home, 201U);
  EXPECT_GE(steps, 21);
  EXPECT_EQ(this->map_->stats().table.live, 6U);
}

// A step that has found the table full still brings those home whose value it holds, each with a
// reference of its own.
TYPED_TEST(HomecomingTest, AFullTableTakesThoseWhoseValueItHolds) {
  constexpr size_t kAlone = 20;     // with values of their own
  constexpr size_t kTogether = 20;  // with one value
  constexpr uint64_t kShared = 1'000'000;
  this->Fill(6 + kAlone + kTogether);
  const auto share = [&](size_t n) {
    ASSERT_EQ(this->map_->Update(*this->owner_[n], HomeValue(kShared), UpdateFlag::kAny),
              Status::kOk);
  };
  for (size_t n = 6 + kAlone; n < this->owner_.size(); ++n) share(n);
  ASSERT_EQ(this->map_->stats().spilled_now, kAlone + kTogether);
  ASSERT_EQ(this->map_->Delete(*this->owner_[0]), Status::kOk);
  ASSERT_EQ(this->map_->Reclaim(), 1U);
  share(0);
  EXPECT_EQ(this->map_->BringHome(1000), kTogether);
  EXPECT_EQ(this->map_->table().total_references(), 6 + kTogether);
  EXPECT_EQ(this->map_->stats().spilled_now, kAlone);
  for (size_t n = 6 + kAlone; n < this->owner_.size(); ++n) {
    EXPECT_EQ(this->Held(*this->owner_[n]), HomeValue(kShared));
  }
}

TYPED_TEST(HomecomingTest, WithoutMemoryTheyStayWhereTheyAre) {
  this->Fill(8);
  ASSERT_EQ(this->map_->Delete(*this->owner_[0]), Status::kOk);
  this->map_->Reclaim();
  // An index is free, so that no memory is needed.
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(this->map_->BringHome(100), 1U);
  EXPECT_EQ(this->map_->BringHome(100), 0U);
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(this->Held(*this->owner_[6]), HomeValue(6));
  EXPECT_EQ(this->Held(*this->owner_[7]), HomeValue(7));
  EXPECT_EQ(this->map_->stats().no_memory, 0U);
}

// --- in the background

// The library's thread, or whoever waits for it, makes its steps until `done`.
template <typename Done>
::testing::AssertionResult StepUntil(Done&& done) {
  constexpr int kManySteps = 20'000;
  for (int step = 0; step < kManySteps; ++step) {
    if (done()) return ::testing::AssertionSuccess();
    RetireBarrier();
  }
  return ::testing::AssertionFailure() << "not after " << kManySteps << " grace periods";
}

struct Reload {
  uint32_t width_bits;
  int reloads;
};

class ReloadTest : public testing::TestWithParam<Reload> {};

// The bar of a reload: 500 values, all replaced by new ones in a walk over the owners. Soon after
// each one, no owner has a private value.
TEST_P(ReloadTest, LeavesNoOwnerSpilled) {
  constexpr uint64_t kOwners = 5000;
  constexpr uint64_t kValues = 500;
  PlainOwners<16> owners;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(
      IndexMap::Create(owners.store(),
                       {.value_bytes = kHomeValueBytes, .width_bits = GetParam().width_bits}, &map),
      Status::kOk);
  std::vector<PlainOwner<16>*> owner;
  for (uint64_t n = 0; n < kOwners; ++n) owner.push_back(&owners.Add());
  for (int reload = 0; reload < GetParam().reloads; ++reload) {
    SCOPED_TRACE(reload);
    const auto generation = static_cast<uint64_t>(reload) * kValues;
    for (uint64_t n = 0; n < kOwners; ++n) {
      ASSERT_EQ(map->Update(*owner[n], HomeValue(generation + n * 7 % kValues), UpdateFlag::kAny),
                Status::kOk);
    }
    ASSERT_TRUE(StepUntil([&] { return map->stats().spilled_now == 0; }))
        << map->stats().spilled_now << " owners";
    for (uint64_t n = 0; n < kOwners; n += 97) {
      const ReadSection section;
      ASSERT_EQ(Copied(map->Get(*owner[n]), kHomeValueBytes),
                HomeValue(generation + n * 7 % kValues));
    }
  }
  std::string reason;
  EXPECT_TRUE(map->CheckInvariants(&reason)) << reason;
  owners.CloseAll();
}
INSTANTIATE_TEST_SUITE_P(Widths, ReloadTest,
                         testing::Values(Reload{9, 20}, Reload{10, 100}, Reload{11, 20},
                                         Reload{16, 5}),
                         [](const testing::TestParamInfo<Reload>& reload) {
                           return std::to_string(reload.param.width_bits) + "Bits";
                         });

// Far more values than indexes: the library's thread gives up, and begins again when a value dies.
TEST(HomecomingInBackgroundTest, BeginsAgainWhenAValueLosesItsLastReference) {
  PlainOwners<16> owners;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(
      IndexMap::Create(owners.store(), {.value_bytes = kHomeValueBytes, .width_bits = 3}, &map),
      Status::kOk);
  std::vector<PlainOwner<16>*> owner;
  for (uint64_t n = 0; n < 50; ++n) {
    owner.push_back(&owners.Add());
    ASSERT_EQ(map->Update(*owner[n], HomeValue(n), UpdateFlag::kAny), Status::kOk);
  }
  for (int i = 0; i < 300; ++i) RetireBarrier();
  EXPECT_EQ(map->stats().spilled_now, 44U);
  for (uint64_t n = 0; n < 6; ++n) {
    ASSERT_EQ(map->Delete(*owner[n]), Status::kOk);
    ASSERT_TRUE(StepUntil([&] { return map->stats().spilled_now == 43 - n; }))
        << map->stats().spilled_now;
  }
  owners.CloseAll();
}

// The map goes while the library's thread is at work, and its owners after it.
TEST(HomecomingInBackgroundTest, AMapMayGoMeanwhile) {
  for (int round = 0; round < 30; ++round) {
    PlainOwners<16> owners;
    std::unique_ptr<IndexMap> map;
    ASSERT_EQ(
        IndexMap::Create(owners.store(), {.value_bytes = kHomeValueBytes, .width_bits = 6}, &map),
        Status::kOk);
    std::vector<PlainOwner<16>*> owner;
    for (uint64_t n = 0; n < 300; ++n) {
      owner.push_back(&owners.Add());
      ASSERT_EQ(map->Update(*owner[n], HomeValue(n), UpdateFlag::kAny), Status::kOk);
    }
    for (uint64_t n = 0; n < 60; ++n) ASSERT_EQ(map->Delete(*owner[n]), Status::kOk);
    for (int i = 0; i < round % 5; ++i) Synchronize();
    map.reset();
    owners.CloseAll();
  }
}

}  // namespace
}  // namespace inlay
