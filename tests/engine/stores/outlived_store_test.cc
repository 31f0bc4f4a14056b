// Maps that outlive what they are made on: the mistake is named, in every build, before memory is
// corrupt.

#include <gtest/gtest.h>

#include <memory>

#include "inlay/emulated/inline_map.h"
#include "inlay/emulated/pointer_map.h"
#include "inlay/emulated/single_pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"
#include "inlay/local_storage.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct OutlivingPolicy {
  uint64_t number;
};

TEST(OutlivedStoreTest, TheMapIsNamed) {
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> gone;
  std::unique_ptr<SharedMap<OutlivingPolicy>> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 32}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.name = "gone", .value_bytes = 8}, &gone), Status::kOk);
  ASSERT_EQ(SharedMap<OutlivingPolicy>::Create(*store, {.name = "policy"}, &map), Status::kOk);
  gone.reset();
  EXPECT_DEATH(store.reset(), "inlay: map \"policy\" outlives its store");
  map.reset();
}

TEST(OutlivedStoreTest, AMapWithoutANameToo) {
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8}, &map), Status::kOk);
  EXPECT_DEATH(store.reset(), "inlay: a map outlives its store");
  map.reset();
}

TEST(OutlivedStoreTest, AMapThatHasFallenBackToo) {
  LocalStorageDomain domain;
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 0, .private_values = &domain}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.name = "fallen", .value_bytes = 8}, &map), Status::kOk);
  ASSERT_FALSE(map->is_interned());
  EXPECT_DEATH(store.reset(), "inlay: map \"fallen\" outlives its store");
  map.reset();
}

TEST(OutlivedStoreTest, OfSocketsAndStorages) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 16, .tail_bytes = 64}, &table), Status::kOk);
  const MapOptions options{.name = "some map", .value_bytes = 8};
  {
    std::unique_ptr<IndexMap> map;
    ASSERT_EQ(IndexMap::Create(*table, options, &map), Status::kOk);
    EXPECT_DEATH(table.reset(), "inlay: map \"some map\" outlives its store");
  }
  {
    std::unique_ptr<PointerMap> map;
    ASSERT_EQ(PointerMap::Create(*table, options, &map), Status::kOk);
    EXPECT_DEATH(table.reset(), "inlay: a map outlives its LocalStorageDomain");
  }
  {
    std::unique_ptr<InlineMap> map;
    ASSERT_EQ(InlineMap::Create(*table, options, &map), Status::kOk);
    EXPECT_DEATH(table.reset(), "inlay: a map outlives its SocketTable");
  }
  {
    std::unique_ptr<SinglePointerMap> map;
    ASSERT_EQ(SinglePointerMap::Create(*table, options, &map), Status::kOk);
    EXPECT_DEATH(table.reset(), "inlay: a map outlives its SocketTable");
  }
  auto domain = std::make_unique<LocalStorageDomain>();
  std::unique_ptr<LocalStorageMap> map;
  ASSERT_EQ(LocalStorageMap::Create(*domain, options, &map), Status::kOk);
  EXPECT_DEATH(domain.reset(), "inlay: a map outlives its LocalStorageDomain");
  map.reset();
}

}  // namespace
}  // namespace inlay
