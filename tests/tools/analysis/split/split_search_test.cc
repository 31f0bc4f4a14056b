// The search against every partition of the fields, and the greedy one against the exact one.

#include "tools/analysis/split/split_search.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/analysis/fields/coded_fields.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/split/row_partition.h"

namespace inlay::analysis {
namespace {

std::vector<size_t> AllFields(const RandomValues& values) {
  std::vector<size_t> fields;
  for (size_t i = 0; i < values.codes.fields.size(); ++i) fields.push_back(i);
  return fields;
}

// The least that any split costs, by trying them all: each field private, in one of the groups so
// far, or in a new one.
double LeastOfAll(const SplitCost& cost, size_t fields, Split* split, size_t next = 0) {
  if (next == fields) {
    return cost.Total(*split).value_or(std::numeric_limits<double>::infinity());
  }
  split->private_fields.push_back(next);
  double least = LeastOfAll(cost, fields, split, next + 1);
  split->private_fields.pop_back();
  for (size_t group = 0; group < split->shared.size(); ++group) {
    split->shared[group].push_back(next);
    least = std::min(least, LeastOfAll(cost, fields, split, next + 1));
    split->shared[group].pop_back();
  }
  split->shared.push_back({next});
  least = std::min(least, LeastOfAll(cost, fields, split, next + 1));
  split->shared.pop_back();
  return least;
}

void ExpectAPartition(const Split& split, size_t fields) {
  std::multiset<size_t> seen(split.private_fields.begin(), split.private_fields.end());
  for (const std::vector<size_t>& group : split.shared) {
    EXPECT_FALSE(group.empty());
    seen.insert(group.begin(), group.end());
  }
  EXPECT_EQ(seen.size(), fields);
  EXPECT_EQ(std::set<size_t>(seen.begin(), seen.end()).size(), fields);
}

TEST(SplitSearchTest, ExactIsTheLeastOfAllPartitions) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int shared = 0;
  int rests = 0;
  int several = 0;
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const size_t fields = 1 + random() % (round % 10 == 0 ? 7 : 6);
    const RandomValues values = MakeValues(fields, 1 + random() % 200, &random);
    const double write_cost = static_cast<double>(random() % 3) * 0.5;
    const SplitCost cost(values.codes, values.forms, write_cost);
    const FoundSplit found = SearchSplit(cost, AllFields(values), {}, 1 + random() % 3);
    ASSERT_TRUE(found.exact);
    Split split;
    const double least = LeastOfAll(cost, fields, &split);
    EXPECT_NEAR(found.cheapest.bytes, least, 1e-6);
    EXPECT_NEAR(*cost.Total(found.cheapest.split), least, 1e-6);
    ExpectAPartition(found.cheapest.split, fields);
    shared += found.cheapest.split.shared.empty() ? 0 : 1;
    rests += found.cheapest.split.private_fields.empty() ? 0 : 1;
    several += found.cheapest.split.shared.size() > 1 ? 1 : 0;
  }
  // The data is of all kinds.
  EXPECT_GT(shared, 10);
  EXPECT_GT(rests, 10);
  RecordProperty("splits_of_several_groups", several);
}

TEST(SplitSearchTest, GreedyIsCloseToExactAndNeverWorseThanOneStruct) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int equal = 0;
  int close = 0;
  double sum = 0;
  double worst = 1;
  constexpr int kRounds = 60;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const size_t fields = 2 + random() % 9;
    const RandomValues values = MakeValues(fields, 1 + random() % 1500, &random);
    const SplitCost cost(values.codes, values.forms, kDefaultWriteCost);
    SearchLimits only_greedy;
    only_greedy.exact_fields = 0;
    const FoundSplit greedy = SearchSplit(cost, AllFields(values), only_greedy, 2);
    const FoundSplit exact = SearchSplit(cost, AllFields(values), {}, 2);
    ASSERT_TRUE(exact.exact);
    ExpectAPartition(greedy.cheapest.split, fields);
    EXPECT_NEAR(*cost.Total(greedy.cheapest.split), greedy.cheapest.bytes, 1e-6);
    EXPECT_LE(greedy.cheapest.bytes, *cost.Total({{}, AllFields(values)}) + 1e-6);
    EXPECT_LE(greedy.cheapest.bytes, *cost.Total({{AllFields(values)}, {}}) + 1e-6);
    EXPECT_GE(greedy.cheapest.bytes, exact.cheapest.bytes - 1e-6);
    close += greedy.cheapest.bytes <= 1.1 * exact.cheapest.bytes + 1e-6 ? 1 : 0;
    sum += greedy.cheapest.bytes / exact.cheapest.bytes;
    worst = std::max(worst, greedy.cheapest.bytes / exact.cheapest.bytes);
    equal += greedy.cheapest.bytes <= exact.cheapest.bytes + 1e-6 ? 1 : 0;
  }
  std::printf(
      "greedy: exact in %d of %d, within 10 %% in %d, on average %.3f times, at worst %.3f\n",
      equal, kRounds, close, sum / kRounds, worst);
  EXPECT_LE(sum, 1.1 * kRounds);
  // A word of the index more or less can be more than 10 % of a small value.
  EXPECT_GE(close, 75 * kRounds / 100);
}

TEST(SplitSearchTest, ManyFieldsAreSearchedGreedily) {
  std::mt19937 random(5);
  const RandomValues values = MakeValues(60, 2000, &random);
  const SplitCost cost(values.codes, values.forms, kDefaultWriteCost);
  const FoundSplit found = SearchSplit(cost, AllFields(values), {}, 2);
  ExpectAPartition(found.cheapest.split, 60);
  EXPECT_LE(found.cheapest.bytes, *cost.Total({{}, AllFields(values)}));
  EXPECT_LE(found.cheapest.bytes, *cost.Total({{AllFields(values)}, {}}));
}

// The result depends neither on the order of the values, nor on the threads, even if a limit ends
// the search early.
TEST(SplitSearchTest, TheSameForEveryOrderAndThreadCount) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 8; ++round) {
    const RandomValues values = MakeValues(6 + random() % 8, 500, &random);
    std::vector<size_t> order;
    for (size_t row = 0; row < values.codes.values(); ++row) order.push_back(row);
    std::shuffle(order.begin(), order.end(), random);
    RandomValues shuffled;
    for (const CodedField& field : values.codes.fields) {
      std::vector<uint32_t> cells;
      for (const size_t row : order) cells.push_back(field.codes[row]);
      AddField(cells, "", 1, &shuffled);
    }
    shuffled.forms = values.forms;
    for (const size_t row : order) shuffled.codes.counts.push_back(values.codes.counts[row]);
    shuffled.codes.records = values.codes.records;
    SearchLimits limits;
    if (round % 2 == 1) limits.exact.rows = 20'000;
    if (round % 4 == 3) limits.greedy_rows = 10'000;
    const FoundSplit a =
        SearchSplit({values.codes, values.forms, 0.5}, AllFields(values), limits, 1);
    const FoundSplit b =
        SearchSplit({shuffled.codes, shuffled.forms, 0.5}, AllFields(values), limits, 3);
    EXPECT_EQ(a.exact, b.exact);
    EXPECT_EQ(a.cheapest.split, b.cheapest.split);
    EXPECT_DOUBLE_EQ(a.cheapest.bytes, b.cheapest.bytes);
  }
}

TEST(SplitSearchTest, AFieldOfTooManyValuesIsNeverShared) {
  RandomValues values;
  std::vector<uint32_t> unique;
  std::vector<uint32_t> few;
  for (uint32_t row = 0; row < 70'000; ++row) {
    unique.push_back(row);
    few.push_back(row % 3);
  }
  AddField(unique, "__u64", 8, &values);
  AddField(few, "__u64", 8, &values);
  values.codes.counts.assign(unique.size(), 1'000'000);
  values.codes.records = unique.size() * uint64_t{1'000'000};
  const SplitCost cost(values.codes, values.forms, 0);
  EXPECT_EQ(cost.Total({{{0, 1}}, {}}), std::nullopt);
  const FoundSplit found = SearchSplit(cost, {0, 1}, {}, 2);
  EXPECT_TRUE(found.exact);
  EXPECT_EQ(found.cheapest.split, (Split{{{1}}, {0}}));
  EXPECT_NEAR(found.cheapest.bytes, 10, 1e-6);
}

// Fields whose product is too much for one table, and that pay in two.
TEST(SplitSearchTest, FindsSeveralGroups) {
  RandomValues values;
  std::mt19937 random(7);
  std::vector<std::vector<uint32_t>> cells(6);
  for (int row = 0; row < 10'000; ++row) {
    const uint32_t a = static_cast<uint32_t>(random() % 100);
    const uint32_t b = static_cast<uint32_t>(random() % 100);
    for (uint32_t i = 0; i < 3; ++i) {
      cells[i].push_back(a * (i + 1));
      cells[i + 3].push_back(b * (i + 1));
    }
  }
  for (const std::vector<uint32_t>& field : cells) AddField(field, "__u64", 8, &values);
  values.codes.counts.assign(10'000, 1);
  values.codes.records = 10'000;
  const FoundSplit found = SearchSplit({values.codes, values.forms, 0.5}, AllFields(values), {}, 2);
  EXPECT_TRUE(found.exact);
  EXPECT_EQ(found.cheapest.split, (Split{{{0, 1, 2}, {3, 4, 5}}, {}}));
  // Two indexes of 7 bits in 16; two tables of 100 values of 24 bytes with 256 hash slots.
  const double writes = 0.5 * (1 + kNewValueWrites * 100 / 10'000);
  EXPECT_NEAR(found.cheapest.bytes, 2 + 2 * ((100 * 36 + 32 + 1024) / 10'000.0 + writes), 1e-9);
}

// Too much for a full search: the limits on visited values end it, not the time.
TEST(SplitSearchTest, TwentyFieldsOfTenThousandValues) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "takes minutes with a sanitizer";
#endif
#endif
  for (const unsigned seed : {1U, 2U}) {
    std::mt19937 random(seed);
    const RandomValues values = MakeValues(20, 10'000, &random);
    const SplitCost cost = {values.codes, values.forms, 0.5};
    const FoundSplit found = SearchSplit(cost, AllFields(values), {}, 2);
    ExpectAPartition(found.cheapest.split, 20);
    const std::optional<double> total = cost.Total(found.cheapest.split);
    ASSERT_TRUE(total.has_value());
    EXPECT_NEAR(*total, found.cheapest.bytes, 1e-9);
  }
}

TEST(RowPartitionTest, ClassesAreThoseOfTuples) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  PartitionRefiner refiner;
  for (int round = 0; round < 30; ++round) {
    const RandomValues values = MakeValues(4, 1 + random() % 5000, &random);
    const size_t rows = values.codes.values();
    RowPartition partition = RowPartition::Whole(rows);
    std::vector<std::vector<uint32_t>> tuples(rows);
    for (const CodedField& field : values.codes.fields) {
      for (size_t row = 0; row < rows; ++row) tuples[row].push_back(field.codes[row]);
      const uint64_t distinct = std::set(tuples.begin(), tuples.end()).size();
      RowPartition refined;
      EXPECT_FALSE(refiner.Refine(partition, field, distinct - 1, &refined));
      ASSERT_TRUE(refiner.Refine(partition, field, distinct, &refined));
      EXPECT_EQ(refined.classes, distinct);
      std::set<std::pair<std::vector<uint32_t>, uint32_t>> pairs;
      for (size_t row = 0; row < rows; ++row) pairs.insert({tuples[row], refined.class_of[row]});
      EXPECT_EQ(pairs.size(), distinct);
      partition = refined;
    }
  }
}

}  // namespace
}  // namespace inlay::analysis
