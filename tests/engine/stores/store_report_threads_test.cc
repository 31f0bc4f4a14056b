// Reports while other threads write values, close owners, and make and free maps.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "inlay/store_report.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

TEST(StoreReportThreadsTest, ReportsWhileMapsComeAndGoAndOwnersChange) {
  constexpr int kRounds = 100;
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 64}, &store), Status::kOk);
  std::unique_ptr<SharedMap<uint64_t>> lasting;
  ASSERT_EQ(SharedMap<uint64_t>::Create(*store, {.name = "lasting", .width_bits = 3}, &lasting),
            Status::kOk);
  std::atomic<bool> ends{false};
  std::thread writer([&] {
    std::array<PlainOwner<64>, 16> owners;
    uint64_t value = 0;
    while (!ends.load()) {
      for (auto& owner : owners) EXPECT_EQ(lasting->Update(owner, ++value % 12), Status::kOk);
      for (auto& owner : owners) store->Close(owner);
    }
  });
  std::thread maker([&] {
    for (int round = 0; round < kRounds; ++round) {
      std::unique_ptr<SharedMap<uint64_t>> passing;
      EXPECT_EQ(SharedMap<uint64_t>::Create(*store, {.name = "passing"}, &passing), Status::kOk);
      PlainOwner<64> owner;
      EXPECT_EQ(passing->Update(owner, 1), Status::kOk);
      store->Close(owner);
    }
    ends.store(true);
  });
  StoreReport earlier;
  uint64_t most = 0;
  while (!ends.load()) {
    StoreReport report = store->Report(&earlier);
    ASSERT_GE(report.maps.size(), 1U);
    ASSERT_LE(report.maps.size(), 2U);
    EXPECT_EQ(report.maps[0].name, "lasting");
    EXPECT_LE(report.maps[0].distinct(), 6U + 2);  // off by one for each thread in a call
    if (report.maps.size() == 2) {
      EXPECT_GE(report.maps[1].number, most);
      most = report.maps[1].number;
    }
    EXPECT_FALSE(ToText(report).empty());
    earlier = std::move(report);
  }
  writer.join();
  maker.join();
  EXPECT_EQ(store->Report().maps[0].live, 0U);
}

}  // namespace
}  // namespace inlay
