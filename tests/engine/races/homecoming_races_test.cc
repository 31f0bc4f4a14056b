// A spilled owner is brought home while others write to it, close it, and reuse its address. Every
// order is forced by test points.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <thread>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/races/two_value_map.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct HomeOwner {
  InlineWords<16> words;
  InlineWords<16>& inline_words() { return words; }
  const InlineWords<16>& inline_words() const { return words; }
};

// A table of two values. One has an owner that keeps it; the other index is free, and `owner_` has
// spilled with value 2.
class HomecomingRacesTest : public TwoValueMap<HomeOwner> {
 protected:
  HomecomingRacesTest() {
    HomeOwner other;
    Update(keeper_, 0);
    Update(other, 1);
    Update(*owner_, 2);
    store_->Close(other);
    EXPECT_EQ(map_->Reclaim(), 1U);
    EXPECT_EQ(map_->stats().spilled_now, 1U);
  }
  ~HomecomingRacesTest() override {
    store_->Close(keeper_);
    if (owner_ != nullptr) store_->Close(*owner_);
  }

  // A thread that brings the owner home, and stops at `point`.
  std::unique_ptr<StoppedThread> BringingHome(std::string point) {
    auto thread =
        std::make_unique<StoppedThread>(std::move(point), [this] { home_ = map_->BringHome(10); });
    EXPECT_TRUE(thread->stopped());
    return thread;
  }
  // As an embedder closes an owner: its memory is free at once.
  void CloseAndFree() {
    store_->Close(*owner_);
    owner_.reset();
  }

  HomeOwner keeper_;
  std::unique_ptr<HomeOwner> owner_ = std::make_unique<HomeOwner>();
  size_t home_ = 99;
};

TEST_F(HomecomingRacesTest, NobodyInterferes) {
  const ReadSection section;
  const std::byte* const before = map_->Get(*owner_);
  EXPECT_EQ(map_->BringHome(10), 1U);
  EXPECT_FALSE(IsSpilled(*owner_));
  EXPECT_EQ(Get(*owner_), 2U);
  uint64_t value = 0;
  std::memcpy(&value, before, sizeof(value));
  EXPECT_EQ(value, 2U) << "a pointer is valid to the end of its section";
  EXPECT_EQ(map_->BringHome(10), 0U);
  EXPECT_EQ(map_->stats().brought_home, 1U);
}

// Before the swap of the code, a close waits: the owner must exist until then.
TEST_F(HomecomingRacesTest, ACloseWaitsUntilTheOwnerIsNotTouchedAnyMore) {
  for (const char* const point : {"bring_home.value_found", "bring_home.interned"}) {
    SCOPED_TRACE(point);
    if (owner_ == nullptr) {
      owner_ = std::make_unique<HomeOwner>();
      const HomeOwner* const before = owner_.get();
      ASSERT_NE(before, nullptr);
      HomeOwner other;
      Update(other, 1);
      Update(*owner_, 2);
      store_->Close(other);
      map_->Reclaim();
      ASSERT_TRUE(IsSpilled(*owner_));
    }
    const auto homecoming = BringingHome(point);
    StoppedThread closing("mutex.waits", [this] { CloseAndFree(); });
    ASSERT_TRUE(closing.stopped()) << "the owner went while it was being brought home";
    homecoming->Finish();
    closing.Finish();
    EXPECT_EQ(home_, 0U);
    EXPECT_EQ(map_->stats().spilled_now, 0U);
  }
}

// After the swap nobody waits, and another owner may get the address. It must not lose a value.
TEST_F(HomecomingRacesTest, AnOwnerThatGoesAfterTheSwapLeavesItsAddressToAnother) {
  const auto homecoming = BringingHome("bring_home.swapped");
  HomeOwner* const address = owner_.get();
  std::thread([&] {
    store_->Close(*address);
    address->~HomeOwner();
    new (address) HomeOwner();
  }).join();
  HomeOwner other;
  Update(other, 2);  // no index is left
  StoppedThread spilling("mutex.waits", [&] { Update(*address, 7); });
  EXPECT_TRUE(spilling.stopped()) << "two owners of one address have private values";
  homecoming->Finish();
  EXPECT_EQ(home_, 1U);
  spilling.Finish();
  EXPECT_TRUE(IsSpilled(*address));
  EXPECT_EQ(Get(*address), 7U);
  EXPECT_EQ(map_->stats().spilled_now, 1U);
  store_->Close(other);
}

TEST_F(HomecomingRacesTest, WritersWaitOrAreSeen) {
  for (const char* const point : {"bring_home.value_found", "bring_home.interned"}) {
    SCOPED_TRACE(point);
    const auto homecoming = BringingHome(point);
    StoppedThread writer("mutex.waits", [this] { Update(*owner_, 0); });
    EXPECT_TRUE(writer.stopped()) << "it took the private value away from under the homecoming";
    homecoming->Finish();
    writer.Finish();
    EXPECT_EQ(home_, 1U);
    EXPECT_EQ(Get(*owner_), 0U) << "the writer came last";
    // Spilled again, with one free index.
    HomeOwner other;
    Update(other, 1);
    Update(*owner_, 2);
    store_->Close(other);
    map_->Reclaim();
    ASSERT_TRUE(IsSpilled(*owner_));
  }
}

TEST_F(HomecomingRacesTest, ADeleteWaits) {
  const auto homecoming = BringingHome("bring_home.interned");
  Status status = Status::kOk;
  StoppedThread deleter("mutex.waits", [&] { status = map_->Delete(*owner_); });
  EXPECT_TRUE(deleter.stopped());
  homecoming->Finish();
  deleter.Finish();
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(Get(*owner_), kAbsent);
}

TEST_F(HomecomingRacesTest, AGetSeesTheValueAtEveryMoment) {
  for (const char* const point :
       {"bring_home.value_found", "bring_home.interned", "bring_home.swapped"}) {
    SCOPED_TRACE(point);
    const auto homecoming = BringingHome(point);
    EXPECT_EQ(Get(*owner_), 2U);
    homecoming->Finish();
    EXPECT_EQ(Get(*owner_), 2U);
    Update(*owner_, 0);
    HomeOwner other;
    map_->Reclaim();
    Update(other, 1);
    Update(*owner_, 2);
    store_->Close(other);
    map_->Reclaim();
    ASSERT_TRUE(IsSpilled(*owner_));
  }
}

TEST_F(HomecomingRacesTest, ModifyIsNotLost) {
  int calls = 0;
  EXPECT_EQ(map_->Modify(*owner_,
                         [&](std::span<std::byte> bytes) {
                           if (calls++ == 0) {
                             std::thread([&] { EXPECT_EQ(map_->BringHome(10), 1U); }).join();
                           }
                           uint64_t value = 0;
                           std::memcpy(&value, bytes.data(), sizeof(value));
                           value += 1000;
                           std::memcpy(bytes.data(), &value, sizeof(value));
                         }),
            Status::kOk);
  EXPECT_EQ(calls, 2) << "the copy was of the private value, which is gone";
  EXPECT_EQ(Get(*owner_), 1002U);
}

}  // namespace
}  // namespace inlay
