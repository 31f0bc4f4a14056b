#include "tools/analysis/values/value_counter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/temporary_files.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {
namespace {

using Counts = std::map<std::string, uint64_t>;

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Counts CountsOf(const ValueCounter& counter) {
  Counts counts;
  for (const CountedValue& value : counter.values()) {
    counts[std::string(value.data, value.data + value.length)] += value.count;
  }
  EXPECT_EQ(counts.size(), counter.values().size()) << "a value is there twice";
  return counts;
}

// Values of 0 to 39 bytes of which some are prefixes of others.
std::string RandomValue(std::mt19937& random, uint32_t variety) {
  const auto number = static_cast<uint32_t>(random() % variety);
  return std::string(number % 40, static_cast<char>('a' + number / 40 % 26)) +
         (number % 3 == 0 ? std::to_string(number) : "");
}

TEST(ValueCounterTest, CountsAsAMapDoes) {
  for (const uint32_t variety : {1U, 50U, 5'000U, 1'000'000U}) {
    std::mt19937 random(variety);
    ValueCounter counter;
    Counts expected;
    for (int i = 0; i < 30'000; ++i) {
      const std::string value = RandomValue(random, variety);
      counter.Add(Bytes(value));
      ++expected[value];
    }
    EXPECT_EQ(CountsOf(counter), expected) << variety;
  }
}

TEST(ValueCounterTest, AListIsCountedAsItsValues) {
  std::mt19937 random(7);
  std::vector<std::string> texts;
  std::vector<std::span<const uint8_t>> values;
  Counts expected;
  for (int i = 0; i < 100'003; ++i) ++expected[texts.emplace_back(RandomValue(random, 60'000))];
  for (const std::string& text : texts) values.push_back(Bytes(text));
  ValueCounter copied;
  copied.AddValues(values);
  EXPECT_EQ(CountsOf(copied), expected);
  ValueCounter borrowed(ValueCounter::Bytes::kBorrow);
  borrowed.AddValues(values);
  EXPECT_EQ(CountsOf(borrowed), expected);
  EXPECT_EQ(borrowed.values()[0].data, values[0].data());
}

TEST(ValueCounterTest, AbsorbingAddsTheCounts) {
  for (const auto& [first_size, second_size] :
       {std::pair{10, 20'000}, std::pair{20'000, 10}, std::pair{0, 100}, std::pair{5'000, 5'000}}) {
    std::mt19937 random(11);
    Counts expected;
    ValueCounter first;
    {
      ValueCounter second;
      for (int i = 0; i < first_size + second_size; ++i) {
        const std::string value = RandomValue(random, 8'000);
        (i < first_size ? first : second).Add(Bytes(value));
        ++expected[value];
      }
      first.Absorb(std::move(second));
    }
    EXPECT_EQ(CountsOf(first), expected);
    const std::string more = "one more, after the bytes were taken over";
    first.Add(Bytes(more));
    ++expected[more];
    EXPECT_EQ(CountsOf(first), expected);
  }
}

// Several counters, of which some are empty or met what others met, against a map. Afterwards the
// counter goes on counting.
TEST(ValueCounterTest, AbsorbingAllAddsTheCounts) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const size_t counters : {1U, 2U, 3U, 8U}) {
    for (const size_t threads : {1U, 2U, 5U}) {
      const auto variety = static_cast<uint32_t>(1 + random() % 40'000);
      Counts expected;
      ValueCounter all;
      std::vector<ValueCounter> others(counters);
      for (size_t i = 0; i <= counters; ++i) {
        ValueCounter& counter = i < counters ? others[i] : all;
        const size_t size = random() % 3 == 0 ? 0 : random() % 20'000;
        for (size_t j = 0; j < size; ++j) {
          const std::string value = RandomValue(random, variety);
          counter.Add(Bytes(value));
          ++expected[value];
        }
      }
      all.AbsorbAll(others, threads);
      ASSERT_EQ(CountsOf(all), expected) << counters << " counters, " << threads << " threads";
      for (const ValueCounter& other : others) EXPECT_EQ(other.values().size(), 0U);
      for (int i = 0; i < 1'000; ++i) {
        const std::string value = RandomValue(random, variety);
        all.Add(Bytes(value));
        ++expected[value];
      }
      ASSERT_EQ(CountsOf(all), expected) << "what came after was counted apart";
    }
  }
}

TEST(SteadyArrayTest, AppendsAndRemovesAsAVectorDoes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 30; ++round) {
    SteadyArray<uint32_t> array;
    SteadyArray<uint32_t> other;
    std::vector<uint32_t> expected;
    for (SteadyArray<uint32_t>* const some : {&array, &other}) {
      const size_t size = random() % 5'000;
      for (size_t i = 0; i < size; ++i) {
        expected.push_back(static_cast<uint32_t>(random()));
        some->push_back(expected.back());
      }
      for (size_t removed = random() % (size + 1); removed > 0; --removed) {
        ASSERT_EQ(some->back(), expected.back());
        some->pop_back();
        expected.pop_back();
      }
    }
    array.Append(std::move(other));
    ASSERT_EQ(array.size(), expected.size());
    std::vector<uint32_t> found(array.begin(), array.end());
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(found, expected);
    for (uint32_t i = 0; i < 3'000; ++i) array.push_back(i);
    EXPECT_EQ(array[expected.size() + 2'999], 2'999U);
  }
}

TEST(DistinctValuesTest, AnyNumberOfThreadsGivesTheSameCounts) {
  TemporaryFiles files;
  std::mt19937 random(5);
  std::string text;
  Counts expected;
  uint64_t records = 0;
  for (; text.size() < 3'000'000; ++records) {
    const std::string value = RandomValue(random, 20'000);
    text += value + "\n";
    ++expected[value];
  }
  const std::string path = files.Write("values", text);
  for (const size_t threads : {0U, 1U, 2U, 5U}) {
    RecordOptions options;
    options.format = RecordFormat::kTsv;
    auto source = OpenRecords({path}, options);
    ASSERT_TRUE(source.ok()) << source.status();
    absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, threads);
    ASSERT_TRUE(distinct.ok()) << distinct.status();
    EXPECT_EQ(distinct->records, records);
    EXPECT_EQ(CountsOf(distinct->counter.sample()), expected) << threads;
    EXPECT_EQ((*source)->bytes_read(), text.size());
  }
}

TEST(DistinctValuesTest, TheFirstErrorOfTheInputIsReported) {
  TemporaryFiles files;
  std::string text;
  for (int i = 0; i < 300'000; ++i) {
    text += i == 100'000 ? "1,2,3\n" : i > 100'000 && i % 1000 == 0 ? "1\n" : "1,2\n";
  }
  const std::string path = files.Write("ragged", text);
  for (int round = 0; round < 10; ++round) {
    auto source = OpenRecords({path}, {});
    ASSERT_TRUE(source.ok()) << source.status();
    absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 4);
    ASSERT_FALSE(distinct.ok());
    EXPECT_EQ(std::string(distinct.status().message()),
              path + ":100001: 3 columns where the first row has 2");
  }
}

TEST(DistinctValuesTest, AHeaderAloneIsNoRecord) {
  TemporaryFiles files;
  RecordOptions options;
  options.header = true;
  auto source = OpenRecords({files.Write("header", "a,b\n")}, options);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(std::string(CountDistinct(**source, 2).status().message()), "the input has no record");
}

}  // namespace
}  // namespace inlay::analysis
