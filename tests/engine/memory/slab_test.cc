#include "engine/memory/slab.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "engine/memory/allocate.h"

namespace inlay {
namespace {

TEST(SlabTest, ObjectsOfAllSizesAreApartAndAligned) {
  for (const size_t bytes : {8U, 24U, 64U, 96U, 128U, 192U, 784U, 2304U, 8192U, 65536U}) {
    SCOPED_TRACE(bytes);
    Slab slab(bytes);
    std::set<std::byte*> objects;
    for (int i = 0; i < 50; ++i) {
      auto* const object = static_cast<std::byte*>(slab.Allocate());
      ASSERT_NE(object, nullptr);
      std::memset(object, i, bytes);
      objects.insert(object);
      if (bytes % 64 == 0) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(object) % 64, 0U);
      }
    }
    ASSERT_EQ(objects.size(), 50U);
    std::byte* before = nullptr;
    for (std::byte* const object : objects) {
      if (before != nullptr) {
        EXPECT_GE(static_cast<size_t>(object - before), bytes);
      }
      before = object;
    }
    EXPECT_EQ(slab.objects(), 50U);
    for (std::byte* const object : objects) slab.Free(object);
    EXPECT_EQ(slab.objects(), 0U);
  }
}

TEST(SlabTest, AFreedObjectIsUsedAgain) {
  Slab slab(128);
  void* const keep = slab.Allocate();
  void* const first = slab.Allocate();
  slab.Free(first);
  void* const second = slab.Allocate();
  EXPECT_EQ(first, second);
  slab.Free(second);
  slab.Free(keep);
}

TEST(SlabTest, ChunksGoBackWithTheirLastObjectButOne) {
  Slab slab(1024);
  std::vector<void*> objects;
  for (int i = 0; i < 2000; ++i) objects.push_back(slab.Allocate());
  const size_t full = slab.objects() * slab.object_bytes() + slab.slack_bytes();
  EXPECT_GE(full, 2000U * 1024U);
  for (void* const object : objects) slab.Free(object);
  EXPECT_LE(slab.slack_bytes(), full / 4) << "the slab may keep one chunk";
  EXPECT_GT(slab.slack_bytes(), 0U);
  const size_t kept = slab.slack_bytes();
  for (int round = 0; round < 10; ++round) slab.Free(slab.Allocate());
  EXPECT_EQ(slab.slack_bytes(), kept) << "freeing and allocating one object keeps the chunk";
}

TEST(SlabTest, WithoutMemoryThereIsNull) {
  Slab slab(64);
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(slab.Allocate(), nullptr);
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(slab.objects(), 0U);
  EXPECT_EQ(slab.slack_bytes(), 0U);
  void* const object = slab.Allocate();
  EXPECT_NE(object, nullptr);
  slab.Free(object);
}

// A new slab may get the addresses of an old one: a sanitizer must not report freed memory there.
TEST(SlabTest, AddressesOfADestroyedSlabCanBeUsedAgain) {
  for (int round = 0; round < 5; ++round) {
    Slab slab(256);
    std::vector<void*> objects;
    for (int i = 0; i < 100; ++i) {
      objects.push_back(slab.Allocate());
      std::memset(objects.back(), round, 256);
    }
    for (void* const object : objects) slab.Free(object);
  }
}

TEST(SlabTest, ThreadsGetObjectsOfTheirOwn) {
  Slab slab(96);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&slab, &wrong, t] {
      std::vector<uint64_t*> mine;
      for (uint64_t i = 0; i < 20000; ++i) {
        auto* const object = static_cast<uint64_t*>(slab.Allocate());
        *object = t << 32 | i;
        mine.push_back(object);
        if (mine.size() < 30) continue;
        const size_t at = i % mine.size();
        if (*mine[at] >> 32 != t) ++wrong;
        slab.Free(mine[at]);
        mine[at] = mine.back();
        mine.pop_back();
      }
      for (uint64_t* const object : mine) slab.Free(object);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(slab.objects(), 0U);
}

}  // namespace
}  // namespace inlay
