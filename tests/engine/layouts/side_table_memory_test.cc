// L1 as the allocator sees it: freeing a map with many spilled values returns all its memory, with
// the buckets of its side table.

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr size_t kSpilledOwners = 1000;  // so many that the buckets grow
constexpr uint32_t kSpilledValueBytes = 8;
constexpr size_t kRounds = 100;
// Less than any side table's buckets and head; more, over all rounds, than the allocator's caches.
constexpr size_t kLeastTableBytes = 500;

size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void SpillAndFree(Store& store, std::vector<PlainOwner<16>>& owners) {
  MapOptions options;
  options.value_bytes = kSpilledValueBytes;
  options.width_bits = 2;
  options.background = false;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(store, options, &map), Status::kOk);
  for (size_t i = 0; i < owners.size(); ++i) {
    ASSERT_EQ(map->Update(owners[i], NumberedValue(i, kSpilledValueBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  ASSERT_EQ(map->stats().spilled_now, owners.size() - 2);
  ASSERT_GE(map->memory_usage().private_bytes, owners.size() * kSpilledValueBytes);
  for (PlainOwner<16>& owner : owners) store.Close(owner);
  map.reset();
}

TEST(SideTableMemoryTest, L1BucketsComeBackWithTheMap) {
  if (AllocatedBytes() == 0) {
    GTEST_SKIP() << "a sanitizer's allocator counts nothing here; it looks for leaks itself";
  }
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  std::vector<PlainOwner<16>> owners(kSpilledOwners);
  // The first rounds start threads and fill the allocator's caches.
  for (int round = 0; round < 3; ++round) ASSERT_NO_FATAL_FAILURE(SpillAndFree(*store, owners));
  RetireBarrier();
  const size_t before = AllocatedBytes();
  for (size_t round = 0; round < kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(SpillAndFree(*store, owners));
  }
  // A side table may be torn down by a thread of its own: wait for the memory, not for a time.
  size_t after = 0;
  for (int wait = 0; wait < 100; ++wait) {
    RetireBarrier();
    after = AllocatedBytes();
    if (after < before + kRounds * kLeastTableBytes) break;
  }
  EXPECT_LT(after, before + kRounds * kLeastTableBytes)
      << before << " bytes before " << kRounds << " side tables";
}

}  // namespace
}  // namespace inlay
