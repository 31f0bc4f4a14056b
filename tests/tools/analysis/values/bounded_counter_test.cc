// Counting within a budget: exact as long as it fits, and afterwards a sample whose figures are
// within the stated errors.

#include "tools/analysis/values/bounded_counter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <string>

namespace inlay::analysis {
namespace {

std::span<const uint8_t> Bytes(const uint64_t& number) {
  return {reinterpret_cast<const uint8_t*>(&number), sizeof(number)};
}

uint64_t Number(const CountedValue& value) {
  uint64_t number;
  std::memcpy(&number, value.data, sizeof(number));
  return number;
}

std::map<uint64_t, uint64_t> AsMap(const CountedValues& values) {
  std::map<uint64_t, uint64_t> counts;
  for (const CountedValue& value : values) counts[Number(value)] += value.count;
  return counts;
}

TEST(BoundedCounterTest, IsExactWhileEverythingFits) {
  BoundedCounter counter(size_t{8} << 20);
  for (uint64_t n = 0; n < 20000; ++n) counter.AddCounted(Bytes(n % 7000), 1);
  EXPECT_EQ(counter.level(), 0U);
  EXPECT_EQ(counter.sample().values().size(), 7000U);
  EXPECT_TRUE(counter.frequent().values().empty());
}

TEST(BoundedCounterTest, KeepsExactCountsOfASampleBeyond) {
  constexpr uint64_t kValues = 400'000;
  BoundedCounter counter(size_t{4} << 20);
  for (int round = 0; round < 3; ++round) {
    for (uint64_t n = 0; n < kValues; ++n) counter.AddCounted(Bytes(n), 1 + n % 2);
  }
  ASSERT_GT(counter.level(), 0U);
  const CountedValues& kept = counter.sample().values();
  for (const CountedValue& value : kept) {
    ASSERT_EQ(value.count, 3 * (1 + Number(value) % 2)) << Number(value);
    ASSERT_TRUE(BoundedCounter::IsKept(ValueCounter::HashOf(value.bytes()), counter.level()));
  }
  const double scale = std::exp2(counter.level());
  const double estimate = static_cast<double>(kept.size()) * scale;
  const double deviation = scale * std::sqrt(static_cast<double>(kept.size()));
  EXPECT_NEAR(estimate, kValues, 5 * deviation);
  EXPECT_LT(deviation, 0.02 * kValues)
      << "so many are kept that the estimate is good for something";
}

// The same values at the same level, for every split of the data and every order of joining.
TEST(BoundedCounterTest, PartsJoinedInAnyOrderKeepTheSame) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<uint64_t> stream(60000);
  for (uint64_t& number : stream) number = random() % 30000;
  BoundedCounter whole;
  for (const uint64_t& number : stream) whole.AddCounted(Bytes(number), 1);
  for (int round = 0; round < 5; ++round) {
    std::vector<BoundedCounter> parts;
    for (int i = 0; i < 8; ++i) parts.emplace_back(size_t{100'000} << (random() % 6));
    for (const uint64_t& number : stream) parts[random() % 8].AddCounted(Bytes(number), 1);
    std::shuffle(parts.begin(), parts.end(), random);
    BoundedCounter joined(0);
    for (BoundedCounter& part : parts) joined.Absorb(std::move(part));
    BoundedCounter model;
    for (const CountedValue& value : whole.sample().values()) {
      model.AddCounted(value.bytes(), value.count);
    }
    model.RaiseLevel(joined.level());
    EXPECT_EQ(AsMap(joined.sample().values()), AsMap(model.sample().values()));
    // The counts of dropped values are within the error.
    const std::map<uint64_t, uint64_t> truth = AsMap(whole.sample().values());
    for (const auto& [number, count] : AsMap(joined.frequent().values())) {
      EXPECT_LE(count, truth.at(number));
      EXPECT_GE(count + joined.frequent().error(), truth.at(number));
    }
  }
}

// The first of four threads may get all of the work, or each a quarter: the sample is the same, and
// no dropped value is forgotten while the dropped ones fit.
TEST(BoundedCounterTest, ItDoesNotMatterWhoOfThoseThatShareABudgetGetsTheWork) {
  constexpr uint64_t kValues = 6000;
  constexpr size_t kBudgetBytes = size_t{16} << 20;
  const auto value_of = [](uint64_t number) {
    std::vector<uint8_t> value(1500);
    std::memcpy(value.data(), &number, sizeof(number));
    return value;
  };
  for (const uint64_t of_first : {25U, 40U, 70U, 97U, 100U}) {  // percent
    std::vector<BoundedCounter> counters = BoundedCounter::Sharing(kBudgetBytes, 4);
    for (uint64_t n = 0; n < kValues; ++n) {
      const size_t who = n % 100 < of_first ? 0 : 1 + n % 3;
      counters[who].AddCounted(value_of(n), 1);
    }
    BoundedCounter joined(kBudgetBytes);
    for (BoundedCounter& counter : counters) joined.Absorb(std::move(counter));
    EXPECT_EQ(joined.level(), 0U) << of_first << " %: the budget is enough for all of them";
    EXPECT_EQ(joined.sample().values().size(), kValues);
  }
  for (const uint64_t of_first : {25U, 40U, 70U, 97U, 100U}) {
    std::vector<BoundedCounter> counters = BoundedCounter::Sharing(kBudgetBytes / 2, 4);
    for (uint64_t n = 0; n < kValues; ++n) {
      const size_t who = n % 100 < of_first ? 0 : 1 + n % 3;
      counters[who].AddCounted(value_of(n), 1);
    }
    BoundedCounter joined(kBudgetBytes / 2);
    for (BoundedCounter& counter : counters) joined.Absorb(std::move(counter));
    EXPECT_EQ(joined.level(), 1U) << of_first << " %";
    EXPECT_EQ(joined.frequent().error(), 0U) << of_first << " %";
    EXPECT_EQ(joined.sample().values().size() + joined.frequent().values().size(), kValues);
  }
}

// One value that is larger than the budget is a sample all the same.
TEST(BoundedCounterTest, KeepsOneValueAtLeast) {
  for (int seed = 0; seed < 50; ++seed) {
    BoundedCounter counter(1000);
    std::vector<uint8_t> large(5000, static_cast<uint8_t>(seed));
    for (uint8_t i = 0; i < 5; ++i) {
      large[0] = i;
      counter.AddCounted(large, 1);
    }
    EXPECT_GE(counter.sample().values().size(), 1U);
  }
}

TEST(FrequentValuesTest, WhatIsFrequentIsFoundAmongMillions) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  FrequentValues frequent;
  std::map<uint64_t, uint64_t> truth;
  for (int i = 0; i < 500'000; ++i) {
    const uint64_t number = random() % 4 == 0 ? random() % 20 : 1000 + random() % 10'000'000;
    ++truth[number];
    frequent.Add(Bytes(number), ValueCounter::HashOf(Bytes(number)), 1);
  }
  const std::map<uint64_t, uint64_t> found = AsMap(frequent.values());
  EXPECT_GT(frequent.error(), 0U);
  EXPECT_LE(frequent.error(), 500'000 / FrequentValues::kWanted);
  for (uint64_t number = 0; number < 20; ++number) {
    ASSERT_TRUE(found.contains(number));
    EXPECT_LE(found.at(number), truth[number]);
    EXPECT_GE(found.at(number) + frequent.error(), truth[number]);
  }
}

}  // namespace
}  // namespace inlay::analysis
