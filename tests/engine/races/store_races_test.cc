// A map is freed, and its bits are given out again, while an owner is being closed. Test points
// force every order.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

// One map takes all bits, and the store cannot enumerate its owners.
class StoreRacesTest : public testing::Test {
 protected:
  using Owner = PlainOwner<16>;

  StoreRacesTest() {
    EXPECT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    EXPECT_EQ(Create(&map_), Status::kOk);
  }

  Status Create(std::unique_ptr<IndexMap>* map) {
    return IndexMap::Create(*store_, {.value_bytes = 8, .width_bits = 16, .background = false},
                            map);
  }
  void Put(Owner& owner, uint64_t n) {
    EXPECT_EQ(map_->Update(owner, NumberedValue(n, 8), UpdateFlag::kAny), Status::kOk);
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

TEST_F(StoreRacesTest, AMapIsFreedAfterTheClosesThatMayCallIt) {
  Owner owner;
  Put(owner, 1);
  bool in_section = false;
  StoppedThread closing("close.map_is_live", [&] {
    const AtTestPoint passes("close.map_is_live", [&] { in_section = InReadSection(); });
    store_->Close(owner);
  });
  // The outer hook was replaced by the inner one, which calls it.
  ASSERT_TRUE(closing.stopped());
  EXPECT_TRUE(in_section) << "nothing keeps the map";
  StoppedThread freeing("synchronize.waits", [&] { map_.reset(); });
  EXPECT_TRUE(freeing.stopped()) << "the map went while it was about to be called";
  closing.Finish();
  freeing.Finish();
  EXPECT_EQ(map_, nullptr);
  EXPECT_EQ(store_->account().used_bytes(), 0U);
}

// A close that has seen the dead map clears the map's bits. Nobody else may have them yet.
TEST_F(StoreRacesTest, BitsAreUsedAgainAfterTheClosesThatMayClearThem) {
  Owner absent;
  Owner last;
  Put(last, 1);
  map_.reset();
  StoppedThread closing("close.map_is_dead", [&] { store_->Close(absent); });
  ASSERT_TRUE(closing.stopped());
  std::unique_ptr<IndexMap> next;
  EXPECT_EQ(Create(&next), Status::kNoBits) << "an owner holds a code";
  store_->Close(last);
  StoppedThread creating("synchronize.waits", [&] { EXPECT_EQ(Create(&next), Status::kOk); });
  EXPECT_TRUE(creating.stopped()) << "a close clears the bits of a new map";
  EXPECT_EQ(next, nullptr);
  closing.Finish();
  creating.Finish();
  EXPECT_NE(next, nullptr);
}

}  // namespace
}  // namespace inlay
