#include "engine/sockets/descriptor_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace inlay {
namespace {

TEST(DescriptorSetTest, HandsOutTheLowestFirst) {
  DescriptorSet set;
  ASSERT_TRUE(set.Init(10'000));
  for (uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(set.TakeLowest(), i);
  EXPECT_EQ(set.TakeLowest(), std::nullopt);
  for (const uint32_t i : {9'999U, 63U, 64U, 4'095U, 4'096U, 0U}) set.Return(i);
  for (const uint32_t i : {0U, 63U, 64U, 4'095U, 4'096U, 9'999U}) EXPECT_EQ(set.TakeLowest(), i);
  EXPECT_EQ(set.TakeLowest(), std::nullopt);
}

TEST(DescriptorSetTest, EveryCapacityIsUsedExactly) {
  for (const uint32_t capacity : {0U, 1U, 63U, 64U, 65U, 4'095U, 4'096U, 4'097U, 262'145U}) {
    DescriptorSet set;
    ASSERT_TRUE(set.Init(capacity));
    for (uint32_t i = 0; i < capacity; ++i) ASSERT_EQ(set.TakeLowest(), i);
    EXPECT_EQ(set.TakeLowest(), std::nullopt) << "capacity " << capacity;
    if (capacity == 0) continue;
    set.Return(capacity - 1);
    EXPECT_EQ(set.TakeLowest(), capacity - 1);
  }
}

TEST(DescriptorSetTest, AgreesWithASetOfFreeNumbers) {
  constexpr uint32_t kCapacity = 5'000;
  DescriptorSet set;
  ASSERT_TRUE(set.Init(kCapacity));
  std::set<uint32_t> free;
  for (uint32_t i = 0; i < kCapacity; ++i) free.insert(i);
  std::vector<uint32_t> taken;
  std::mt19937 random(5);
  for (int step = 0; step < 100'000; ++step) {
    if (taken.empty() || random() % 100 < 60) {
      const std::optional<uint32_t> number = set.TakeLowest();
      ASSERT_EQ(number.has_value(), !free.empty());
      if (!number.has_value()) continue;
      ASSERT_EQ(*number, *free.begin());
      free.erase(free.begin());
      taken.push_back(*number);
    } else {
      const size_t at = random() % taken.size();
      set.Return(taken[at]);
      free.insert(taken[at]);
      taken[at] = taken.back();
      taken.pop_back();
    }
  }
}

TEST(DescriptorSetTest, WithoutMemoryInitIsFalse) {
  for (int allowed = 0; allowed < 4; ++allowed) {
    DescriptorSet set;
    SetAllocationsLeftForTest(allowed);
    EXPECT_FALSE(set.Init(100));
    SetAllocationsLeftForTest(-1);
  }
}

}  // namespace
}  // namespace inlay
