// What threads do while another one is in the middle of adding a value to the table, or of
// releasing its last reference.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "inlay/value_table.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

// What is asked of a table holds up no thread that adds values: it takes no lock of theirs.
TEST(TableRacesTest, StatisticsDoNotWaitForAThreadThatHoldsTheMutex) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  std::unique_ptr<IndexMap> map;
  MapOptions options;
  options.value_bytes = 8;
  options.width_bits = 16;
  ASSERT_EQ(IndexMap::Create(*store, options, &map), Status::kOk);
  PlainOwner<16> first;
  PlainOwner<16> second;
  ASSERT_EQ(map->Update(first, NumberedValue(1, 8), UpdateFlag::kAny), Status::kOk);
  {
    StoppedThread adds("table.adds", [&] {
      EXPECT_EQ(map->Update(second, NumberedValue(2, 8), UpdateFlag::kAny), Status::kOk);
    });
    ASSERT_TRUE(adds.stopped());
    bool waited = false;
    const AtTestPoint waits("mutex.waits", [&] {
      waited = true;
      adds.Finish();  // or this thread would wait for ever
    });
    const ValueTable& table = map->table();
    EXPECT_EQ(table.stats().live, 1U);
    EXPECT_EQ(table.total_references(), 1U);
    EXPECT_GT(table.memory_usage().total_bytes(), 0U);
    EXPECT_EQ(map->stats().table.live, 1U);
    EXPECT_GT(map->memory_usage().total_bytes(), 0U);
    EXPECT_FALSE(waited);
  }
  EXPECT_EQ(map->stats().table.live, 2U);
  store->Close(first);
  store->Close(second);
}

}  // namespace
}  // namespace inlay
