// Functions that wait for readers, inside a reader section of the same thread: they would wait for
// ever, and say so instead, in every build.

#include <gtest/gtest.h>

#include <memory>

#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr const char* kWaits = "inlay: a thread waits for readers inside its own reader section";

struct WaitingPolicy {
  uint64_t number;
};

class WaitInSectionTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(Store::Create({.reserved_bits = 32}, &store_), Status::kOk);
    ASSERT_EQ(SharedMap<WaitingPolicy>::Create(*store_, {.width_bits = 2}, &map_), Status::kOk);
    ASSERT_EQ((KeyedMap<uint64_t, WaitingPolicy>::Create(*store_, {.width_bits = 2}, &keyed_)),
              Status::kOk);
    // Both indexes have a value, and nobody has the first one.
    ASSERT_EQ(map_->Update(owner_, {1}), Status::kOk);
    ASSERT_EQ(map_->Update(owner_, {2}), Status::kOk);
  }
  void TearDown() override { store_->Close(owner_); }

  PlainOwner<32> owner_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SharedMap<WaitingPolicy>> map_;
  std::unique_ptr<KeyedMap<uint64_t, WaitingPolicy>> keyed_;
};

TEST_F(WaitInSectionTest, GracePeriods) {
  EXPECT_DEATH(
      {
        const ReadSection section;
        Synchronize();
      },
      kWaits);
  EXPECT_DEATH(
      {
        const ReadSection section;
        RetireBarrier();
      },
      kWaits);
}

TEST_F(WaitInSectionTest, MapsAndStores) {
  EXPECT_DEATH(
      {
        const ReadSection section;
        map_.reset();
      },
      kWaits);
  EXPECT_DEATH(
      {
        const ReadSection section;
        keyed_.reset();
      },
      kWaits);
  EXPECT_DEATH(
      {
        const ReadSection section;
        map_->Trim();
      },
      kWaits);
  EXPECT_DEATH(
      {
        const ReadSection section;
        store_->Trim();
      },
      kWaits);
  EXPECT_DEATH(
      {
        const ReadSection section;
        static_cast<void>(map_->EnsureRoom(1));
      },
      kWaits);
  EXPECT_DEATH(
      {
        const ReadSection section;
        map_->Reclaim();
      },
      kWaits);
}

// Without the section they work.
TEST_F(WaitInSectionTest, NobodyWaitsOutside) {
  { const ReadSection section; }
  EXPECT_EQ(map_->EnsureRoom(1), Status::kOk);
  map_->Reclaim();
  store_->Trim();
  keyed_.reset();
}

}  // namespace
}  // namespace inlay
