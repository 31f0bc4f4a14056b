// A map that is freed while owners still have its codes: the store counts these down as the owners
// close, and then gives the bits to other maps. What threads keep for themselves are no codes.

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <thread>

#include "inlay/index_map.h"
#include "inlay/inline_words.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct FreedMapOwner {
  InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

constexpr uint32_t kFreedMapBytes = 24;

MapOptions FreedMapOptions() {
  return {.value_bytes = kFreedMapBytes, .width_bits = 10, .background = false};
}

TEST(FreedMapTest, AThreadThatEndsMeanwhileLeavesNoCodes) {
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, FreedMapOptions(), &map), Status::kOk);
  std::deque<FreedMapOwner> owners;
  const auto add = [&] {
    FreedMapOwner& owner = owners.emplace_back();
    EXPECT_EQ(map->Update(owner, NumberedValue(1, kFreedMapBytes), UpdateFlag::kAny), Status::kOk);
  };
  for (int i = 0; i < 4000; ++i) add();

  // A thread that has met another one at this value keeps references.
  std::promise<void> kept;
  std::promise<void> may_end;
  std::thread keeper([&] {
    {
      const AtTestPoint meets("try_ref.seen", [&] { std::thread(add).join(); });
      add();
    }
    kept.set_value();
    may_end.get_future().wait();
  });
  kept.get_future().wait();
  bool has_ended = false;
  {
    const AtTestPoint counted("for_each.counted", [&] {
      if (has_ended) return;
      has_ended = true;
      may_end.set_value();
      keeper.join();
    });
    map.reset();
  }
  ASSERT_TRUE(has_ended);
  for (FreedMapOwner& owner : owners) store->Close(owner);
  EXPECT_EQ(IndexMap::Create(*store, FreedMapOptions(), &map), Status::kOk);
}

}  // namespace
}  // namespace inlay
