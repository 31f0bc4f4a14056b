// inlay/inlay.h without memory: every call fails with -ENOMEM and changes nothing (V4), until the
// allocation that it needs succeeds.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>

#include "engine/memory/allocate.h"
#include "inlay/inlay.h"

namespace inlay {
namespace {

// Calls `attempt`, which returns a result, with one more allocation allowed each time, and
// `unchanged` after each failure. Returns how often it failed.
template <typename Attempt, typename Unchanged>
int FailEach(Attempt&& attempt, Unchanged&& unchanged) {
  for (int allowed = 0; allowed < 1000; ++allowed) {
    SetAllocationsLeftForTest(allowed);
    const int result = attempt();
    SetAllocationsLeftForTest(-1);
    if (result != -ENOMEM) {
      EXPECT_EQ(result, 0);
      return allowed;
    }
    EXPECT_EQ(inlay_last_limit(), INLAY_LIMIT_SYSTEM) << allowed;
    unchanged();
  }
  ADD_FAILURE() << "never succeeds";
  return -1;
}

uint64_t NumberOf(const inlay_map* map, inlay_owner owner) {
  inlay_read_lock();
  const void* const found = inlay_get(map, owner);
  const uint64_t number = found != nullptr ? *static_cast<const uint64_t*>(found) : 0;
  inlay_read_unlock();
  return number;
}

TEST(CApiNoMemoryTest, ACallThatFailsHasChangedNothing) {
  inlay_store_options in_store = {};
  in_store.size = sizeof(in_store);
  inlay_store* store = nullptr;
  const int for_store = FailEach([&] { return inlay_store_create(&in_store, &store); },
                                 [&] { EXPECT_EQ(store, nullptr); });
  EXPECT_GT(for_store, 0);

  inlay_map_options in_map = {};
  in_map.size = sizeof(in_map);
  in_map.value_bytes = sizeof(uint64_t);
  in_map.width_bits = 2;
  in_map.flags = INLAY_MAP_CLONE | INLAY_MAP_NO_BACKGROUND;
  inlay_map* map = nullptr;
  const int for_map = FailEach([&] { return inlay_map_create(store, &in_map, &map); },
                               [&] { EXPECT_EQ(map, nullptr); });
  EXPECT_GT(for_map, 0);

  // Both indexes are taken, so that the values of the next owners are private: each needs memory.
  uint16_t words[5] = {};
  const uint64_t numbers[5] = {1, 2, 3, 4, 5};
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(inlay_update(map, inlay_owner16(&words[i]), &numbers[i], 8, INLAY_ANY), 0);
  }
  const inlay_owner updated = inlay_owner16(&words[2]);
  const int for_update =
      FailEach([&] { return inlay_update(map, updated, &numbers[2], 8, INLAY_NOEXIST); },
               [&] { EXPECT_EQ(NumberOf(map, updated), 0u); });
  EXPECT_GT(for_update, 0);
  EXPECT_EQ(NumberOf(map, updated), 3u);

  const inlay_owner created = inlay_owner16(&words[3]);
  const int for_create = FailEach(
      [&] {
        int result = 0;
        inlay_read_lock();
        const void* const found = inlay_get_or_create(map, created, &numbers[3], &result);
        EXPECT_EQ(found != nullptr, result == 0);
        inlay_read_unlock();
        return result;
      },
      [&] { EXPECT_EQ(NumberOf(map, created), 0u); });
  EXPECT_GT(for_create, 0);
  EXPECT_EQ(NumberOf(map, created), 4u);

  const auto raise = [](void* value, size_t, void*) { *static_cast<uint64_t*>(value) += 10; };
  const int for_modify = FailEach([&] { return inlay_modify(map, created, +raise, nullptr); },
                                  [&] { EXPECT_EQ(NumberOf(map, created), 4u); });
  EXPECT_GT(for_modify, 0);
  EXPECT_EQ(NumberOf(map, created), 14u);

  const inlay_owner child = inlay_owner16(&words[4]);
  const int for_clone = FailEach([&] { return inlay_owner_clone(store, created, child); },
                                 [&] { EXPECT_EQ(NumberOf(map, child), 0u); });
  EXPECT_GT(for_clone, 0);
  EXPECT_EQ(NumberOf(map, child), 14u);

  inlay_map_statistics statistics = {};
  statistics.size = sizeof(statistics);
  ASSERT_EQ(inlay_map_get_statistics(map, &statistics), 0);
  EXPECT_EQ(statistics.spilled_owners, 3u);
  EXPECT_GT(statistics.no_memory, 0u);
  for (uint16_t& word : words) EXPECT_EQ(inlay_owner_close(store, inlay_owner16(&word)), 0);
  inlay_map_destroy(map);
  inlay_store_destroy(store);
}

}  // namespace
}  // namespace inlay
