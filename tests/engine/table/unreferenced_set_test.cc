#include "engine/table/unreferenced_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "engine/memory/allocate.h"

namespace inlay {
namespace {

constexpr uint32_t kMostIndexes = 65534;

TEST(UnreferencedSetTest, IsEmptyAtFirst) {
  UnreferencedSet set;
  ASSERT_TRUE(set.Create(kMostIndexes));
  EXPECT_EQ(set.Next(1, kMostIndexes), 0U);
  EXPECT_FALSE(set.Has(1));
  EXPECT_EQ(set.bytes(), 1024U * 8 + 16 * 8);
}

TEST(UnreferencedSetTest, WithoutMemoryThereIsNone) {
  UnreferencedSet set;
  SetAllocationsLeftForTest(0);
  EXPECT_FALSE(set.Create(100));
  SetAllocationsLeftForTest(-1);
}

TEST(UnreferencedSetTest, FindsTheLowestIndexOfARange) {
  UnreferencedSet set;
  ASSERT_TRUE(set.Create(kMostIndexes));
  for (const uint32_t index : {5U, 63U, 64U, 4096U, 65534U}) set.Add(index);
  EXPECT_EQ(set.Next(1, kMostIndexes), 5U);
  EXPECT_EQ(set.Next(5, 5), 5U);
  EXPECT_EQ(set.Next(6, 62), 0U);
  EXPECT_EQ(set.Next(6, 63), 63U);
  EXPECT_EQ(set.Next(64, kMostIndexes), 64U);
  EXPECT_EQ(set.Next(65, 4095), 0U);
  EXPECT_EQ(set.Next(65, 4096), 4096U);
  EXPECT_EQ(set.Next(4097, kMostIndexes), 65534U);
  EXPECT_EQ(set.Next(4097, 65533), 0U);
  EXPECT_EQ(set.Next(9, 8), 0U);
}

// Against std::set, also at sizes in which a level ends in the middle of a word.
TEST(UnreferencedSetTest, AgreesWithASetOfNumbers) {
  for (const uint32_t highest : {1U, 63U, 64U, 100U, 4095U, 4096U, 5000U, kMostIndexes}) {
    UnreferencedSet set;
    ASSERT_TRUE(set.Create(highest));
    std::set<uint32_t> model;
    std::mt19937 random(highest);
    const auto any = [&] { return 1 + static_cast<uint32_t>(random() % highest); };
    for (int step = 0; step < 5000; ++step) {
      const uint32_t index = any();
      // Long spells of more adds, and of more removals.
      if ((random() % 4 == 0) == (step / 1000 % 2 == 0)) {
        set.Remove(index);
        model.erase(index);
      } else {
        set.Add(index);
        model.insert(index);
      }
      EXPECT_EQ(set.Has(index), model.contains(index));
      const uint32_t first = any();
      const uint32_t last = any();
      const auto found = model.lower_bound(first);
      const uint32_t expected = found != model.end() && *found <= last ? *found : 0;
      ASSERT_EQ(set.Next(first, last), expected) << first << " .. " << last << " of " << highest;
    }
  }
}

}  // namespace
}  // namespace inlay
