#include "engine/table/slot_array.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "engine/memory/allocate.h"

namespace inlay {
namespace {

struct FreeArray {
  void operator()(SlotArray* array) const { SlotArray::Free(array); }
};
using Array = std::unique_ptr<SlotArray, FreeArray>;

Array MakeArray(uint32_t slots) { return Array(SlotArray::TryCreate(slots)); }

SlotArray::Found Find(const Array& array, uint32_t hash, uint32_t index) {
  return array->Find(hash, [index](uint32_t found) { return found == index; });
}

TEST(SlotArrayTest, StartsEmpty) {
  const Array array = MakeArray(16);
  EXPECT_EQ(array->slots(), 16U);
  EXPECT_EQ(array->occupied(), 0U);
  EXPECT_EQ(array->tombstones(), 0U);
  for (uint32_t at = 0; at < 16; ++at) EXPECT_EQ(array->IndexAt(at), 0U);
  EXPECT_EQ(Find(array, 3, 1).index, 0U);
  EXPECT_EQ(Find(array, 3, 1).probes, 1U);
}

TEST(SlotArrayTest, WithoutMemoryThereIsNone) {
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(SlotArray::TryCreate(16), nullptr);
  SetAllocationsLeftForTest(-1);
  SlotArray::Free(nullptr);
}

TEST(SlotArrayTest, CollidingHashesLieInOneRunAcrossTheEnd) {
  const Array array = MakeArray(16);
  for (uint32_t index = 1; index <= 5; ++index) array->Insert(14, index);
  for (uint32_t index = 1; index <= 5; ++index) {
    const SlotArray::Found found = Find(array, 14, index);
    EXPECT_EQ(found.index, index);
    EXPECT_EQ(found.probes, index);
    EXPECT_EQ(found.slot, (14 + index - 1) % 16);
  }
  EXPECT_EQ(array->occupied(), 5U);
}

TEST(SlotArrayTest, ATagThatDiffersIsNotCompared) {
  const Array array = MakeArray(16);
  array->Insert(0x1234'0003, 7);
  int compared = 0;
  const auto count = [&](uint32_t) {
    ++compared;
    return true;
  };
  EXPECT_EQ(array->Find(0x1235'0003, count).index, 0U);
  EXPECT_EQ(compared, 0);
  EXPECT_EQ(array->Find(0x1234'0003, count).index, 7U);
  EXPECT_EQ(compared, 1);
}

// Hashes may have the same tags as an empty slot and a tombstone.
TEST(SlotArrayTest, AllTagsAndIndexesAreTold) {
  for (const uint32_t tag : {0x0000'0000U, 0xffff'0000U, 0x8000'0000U}) {
    for (const uint32_t index : {1U, 65534U, 65535U}) {
      const Array array = MakeArray(16);
      array->Insert(tag | 5, index);
      array->Insert(tag | 5, index - 1 != 0 ? index - 1 : 9);
      array->Erase(Find(array, tag | 5, index).slot);
      EXPECT_EQ(array->tombstones(), 1U);
      EXPECT_EQ(Find(array, tag | 5, index).index, 0U);
      EXPECT_NE(Find(array, tag | 5, index - 1 != 0 ? index - 1 : 9).index, 0U);
    }
  }
}

TEST(SlotArrayTest, EraseInsideARunLeavesATombstoneThatInsertReuses) {
  const Array array = MakeArray(16);
  for (uint32_t index = 1; index <= 3; ++index) array->Insert(4, index);
  array->Erase(4);
  EXPECT_EQ(array->tombstones(), 1U);
  EXPECT_EQ(array->occupied(), 3U);
  EXPECT_EQ(Find(array, 4, 2).index, 2U);
  array->Insert(4, 8);
  EXPECT_EQ(array->tombstones(), 0U);
  EXPECT_EQ(Find(array, 4, 8).slot, 4U);
}

TEST(SlotArrayTest, EraseAtTheEndOfARunEmptiesTheTombstonesBeforeIt) {
  const Array array = MakeArray(16);
  for (uint32_t index = 1; index <= 4; ++index) array->Insert(14, index);  // slots 14, 15, 0, 1
  array->Erase(15);
  array->Erase(0);
  EXPECT_EQ(array->tombstones(), 2U);
  array->Erase(1);
  EXPECT_EQ(array->tombstones(), 0U);
  EXPECT_EQ(array->occupied(), 1U);
  EXPECT_EQ(Find(array, 14, 1).index, 1U);
}

TEST(SlotArrayTest, ASearchInAFullArrayEnds) {
  const Array array = MakeArray(4);
  for (uint32_t index = 1; index <= 4; ++index) array->Insert(0, index);
  EXPECT_EQ(Find(array, 0, 9).index, 0U);
  EXPECT_EQ(Find(array, 0, 9).probes, 4U);
}

TEST(SlotArrayTest, RandomInsertsAndErasesAgreeWithAMap) {
  const Array array = MakeArray(256);
  std::map<uint32_t, uint32_t> hash_of;
  std::mt19937 random(7);
  for (int step = 0; step < 50000; ++step) {
    const auto index = static_cast<uint32_t>(random() % 180 + 1);
    const auto at = hash_of.find(index);
    if (at != hash_of.end()) {
      const SlotArray::Found found = Find(array, at->second, index);
      ASSERT_EQ(found.index, index);
      array->Erase(found.slot);
      hash_of.erase(at);
    } else if (array->occupied() < 240) {
      const auto hash = static_cast<uint32_t>((random() % 8) << 29 | (random() % 64));
      array->Insert(hash, index);
      hash_of[index] = hash;
    }
    ASSERT_EQ(array->occupied(), hash_of.size() + array->tombstones());
  }
  for (const auto& [index, hash] : hash_of) EXPECT_EQ(Find(array, hash, index).index, index);
}

}  // namespace
}  // namespace inlay
