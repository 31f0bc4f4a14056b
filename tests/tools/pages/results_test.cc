// The figures computed from results, within one run only.

#include "tools/pages/bench_results/results.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/pages/benchmark_json.h"
#include "tools/pages/bench_page/bars.h"
#include "tools/pages/bench_page/groups.h"

namespace inlay::bench_page {
namespace {

constexpr char kSizes[] = "/sockets:1000/values:10/bytes:100";
const Arguments kArguments = {{"sockets", 1000}, {"values", 10}, {"bytes", 100}};

std::string Name(const std::string& contender, const std::string& question = "Get") {
  return question + "/" + contender + "/packet" + kSizes;
}

const Point& PointOf(const Results& results, size_t file, const std::string& run_name) {
  const Point* const point = results.files().at(file)->Find(BenchmarkName::Parse(run_name));
  EXPECT_NE(point, nullptr) << run_name;
  return *point;
}

TEST(ResultsTest, ACostIsATimeLessTheMedianOfTheTouch) {
  const Results results = ResultsOf(
      {BenchmarkJson().Add(Name("touch"), {90, 100, 120}).Add(Name("index"), {105, 110, 150})});
  const Cost cost = Results::CostOf(PointOf(results, 0, Name("index")));
  EXPECT_TRUE(cost.over_touch);
  EXPECT_DOUBLE_EQ(cost.ns, 10);
  EXPECT_DOUBLE_EQ(cost.least_ns, 5);
  EXPECT_DOUBLE_EQ(cost.most_ns, 50);
  EXPECT_DOUBLE_EQ(cost.whole_ns, 110);
}

TEST(ResultsTest, WithoutATouchACostIsWhole) {
  const Results results = ResultsOf({BenchmarkJson().Add(Name("index"), {110})});
  const Cost cost = Results::CostOf(PointOf(results, 0, Name("index")));
  EXPECT_FALSE(cost.over_touch);
  EXPECT_DOUBLE_EQ(cost.ns, 110);
}

TEST(ResultsTest, NothingIsSubtractedOrDividedAcrossFiles) {
  const Results results =
      ResultsOf({BenchmarkJson()
                     .Add(Name("touch"), {100})
                     .Add(Name("index"), {110})
                     .Add(Name("pointer"), {200}),
                 BenchmarkJson().Add(Name("touch"), {1000}).Add(Name("index"), {1030}),
                 BenchmarkJson().Add(Name("index"), {5000})});
  const Point& first = PointOf(results, 0, Name("index"));
  const Point& second = PointOf(results, 1, Name("index"));
  const Point& third = PointOf(results, 2, Name("index"));
  EXPECT_DOUBLE_EQ(Results::CostOf(first).ns, 10);
  EXPECT_DOUBLE_EQ(Results::CostOf(second).ns, 30);
  EXPECT_DOUBLE_EQ(Results::CostOf(third).ns, 5000);
  EXPECT_FALSE(Results::CostOf(third).over_touch);
  const Point& pointer = PointOf(results, 0, Name("pointer"));
  EXPECT_EQ(Results::Ratio(first, &pointer), 0.1);
  EXPECT_EQ(Results::Ratio(second, &pointer), std::nullopt);
  EXPECT_EQ(Results::Beside(second, "pointer"), nullptr);
  EXPECT_EQ(Results::Beside(first, "pointer"), &pointer);
}

TEST(ResultsTest, WhatCostsNothingIsNoMeasure) {
  const Results results = ResultsOf({BenchmarkJson()
                                         .Add(Name("touch"), {100})
                                         .Add(Name("index"), {110})
                                         .Add(Name("pointer"), {99})});
  const Point& index = PointOf(results, 0, Name("index"));
  EXPECT_EQ(Results::Ratio(index, Results::Beside(index, "pointer")), std::nullopt);
  EXPECT_EQ(Results::Ratio(index, nullptr), std::nullopt);
}

TEST(ResultsTest, SpreadIsTheMiddleHalf) {
  const Results results = ResultsOf({BenchmarkJson()
                                         .Add(Name("index"), {10, 11, 12, 13, 100})
                                         .Add(Name("pointer"), {14, 15, 16, 17, 5})
                                         .Add(Name("inline"), {12, 13, 14, 15, 16})
                                         .Add(Name("single_pointer"), {1000})});
  const Point& index = PointOf(results, 0, Name("index"));
  const auto beyond = [&](const char* other) {
    return Results::BeyondSpread(index, *Results::Beside(index, other));
  };
  EXPECT_TRUE(beyond("pointer"));
  EXPECT_FALSE(beyond("inline"));
  EXPECT_FALSE(beyond("single_pointer")) << "of one repetition nobody knows";
}

TEST(ResultsTest, RefusesRunsOfDifferentMachinesAndBuilds) {
  for (const char* const key : {"cpu", "kernel", "compiler", "build_type", "commit"}) {
    std::vector<ResultFile> files;
    files.push_back(*ResultFile::Parse("a.json", BenchmarkJson().Add(Name("index"), {1}).Text()));
    files.push_back(*ResultFile::Parse(
        "b.json", BenchmarkJson().Context(key, "another").Add(Name("index"), {1}).Text()));
    const absl::StatusOr<Results> results = Results::Of(std::move(files));
    ASSERT_FALSE(results.ok()) << key;
    const std::string message(results.status().message());
    for (const std::string part : {"a.json", "b.json", key, "another"}) {
      EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
    }
  }
  std::vector<ResultFile> files;
  files.push_back(*ResultFile::Parse("a.json", BenchmarkJson().Add(Name("index"), {1}).Text()));
  files.push_back(*ResultFile::Parse(
      "b.json", BenchmarkJson().Context("num_cpus", 64).Add(Name("index"), {1}).Text()));
  EXPECT_FALSE(Results::Of(std::move(files)).ok());
  EXPECT_FALSE(Results::Of({}).ok());
}

TEST(ResultsTest, OtherContextMayDiffer) {
  ResultsOf(
      {BenchmarkJson().Add(Name("index"), {1}), BenchmarkJson()
                                                    .Context("date", "2026-11-23T00:10:00+00:00")
                                                    .Context("program", "write_bench")
                                                    .Context("command", "write_bench")
                                                    .Add(Name("index"), {1})});
}

TEST(GroupTest, IsOfTheRunThatHasMostLayoutsOfIt) {
  const Results results = ResultsOf(
      {BenchmarkJson()
           .Add(Name("touch"), {1})
           .Add(Name("index"), {2})
           .Add(Name("flyweight"), {3})
           .Add(Name("side_table"), {3})
           .Add(Name("shared_ptr"), {3}),
       BenchmarkJson().Add(Name("touch"), {10}).Add(Name("index"), {20}).Add(Name("pointer"), {30}),
       BenchmarkJson()
           .Add(Name("touch"), {100})
           .Add(Name("index"), {200})
           .Add(Name("inline"), {300})});
  const Group group = GroupOf(results, "Get", "packet", kArguments);
  EXPECT_EQ(group.Of("index")->file, results.files()[1].get());
  EXPECT_EQ(group.Of("pointer")->file, results.files()[1].get());
  EXPECT_EQ(group.Of("inline")->file, results.files()[2].get()) << "only there";
  EXPECT_EQ(group.Of("flyweight")->file, results.files()[0].get()) << "only there";
  EXPECT_EQ(group.Of("single_pointer"), nullptr);
  EXPECT_DOUBLE_EQ(Results::CostOf(*group.Of("inline")).ns, 200) << "over its own touch";
}

TEST(GroupTest, OfEqualRunsTheFirstIsTaken) {
  const Results results =
      ResultsOf({BenchmarkJson().Add(Name("index"), {1}), BenchmarkJson().Add(Name("index"), {2})});
  EXPECT_EQ(GroupOf(results, "Get", "packet", kArguments).Of("index")->file,
            results.files()[0].get());
}

TEST(GroupTest, BaseSizesAreThoseThatMostWasMeasuredAt) {
  const Results results =
      ResultsOf({BenchmarkJson()
                     .Add("Get/index/packet/sockets:5000/values:10/bytes:100", {1})
                     .Add("Get/pointer/packet/sockets:5000/values:10/bytes:100", {1})
                     .Add(Name("index"), {1})
                     .Add(Name("index", "Create"), {1})
                     .Add("Memory/index" + std::string(kSizes), {1})
                     .Add("Get/index/hot/sockets:7/values:10/bytes:100", {1})});
  EXPECT_EQ(BaseSizes(results), kArguments);
  // The group that has no point at the base is that with most contenders.
  EXPECT_EQ(UsualGroup(results, "Get", "hot", kArguments).arguments.at("sockets"), 7);
  EXPECT_TRUE(UsualGroup(results, "Get", "batch", kArguments).empty());
  EXPECT_TRUE(BaseSizes(ResultsOf({BenchmarkJson().Add("Kernel/a/b/sockets:1", {1})})).empty());
}

TEST(SweepTest, IsOfOneRunWhereOneHasIt) {
  const auto at = [](const char* sockets) {
    return "Get/index/packet/sockets:" + std::string(sockets) + "/values:10/bytes:100";
  };
  const Results results = ResultsOf({BenchmarkJson().Add(at("1000"), {1}),
                                     BenchmarkJson().Add(at("100"), {2}).Add(at("1000"), {3}),
                                     BenchmarkJson().Add(at("5000"), {4})});
  const std::vector<Sweep> sweeps = SweepsOver(results, "Get", "packet", "sockets", kArguments, 2);
  ASSERT_EQ(sweeps.size(), 1U);
  EXPECT_EQ(sweeps[0].values, (std::vector<int64_t>{100, 1000}));
  EXPECT_DOUBLE_EQ(sweeps[0].At("index", 1000)->time_ns.median(), 3);
  EXPECT_EQ(sweeps[0].At("index", 5000), nullptr);
  EXPECT_EQ(sweeps[0].others, (Arguments{{"values", 10}, {"bytes", 100}}));
}

TEST(SweepTest, IsPutTogetherWhereNoRunHasOne) {
  const Results results =
      ResultsOf({BenchmarkJson().Add("MapCount/index/sequential/maps:1", {1}),
                 BenchmarkJson().Add("MapCount/index/sequential/maps:16", {2})});
  const std::vector<Sweep> sweeps = SweepsOver(results, "MapCount", "sequential", "maps", {}, 2);
  ASSERT_EQ(sweeps.size(), 1U);
  EXPECT_EQ(sweeps[0].values, (std::vector<int64_t>{1, 16}));
}

TEST(BarsTest, AreJudgedWithinTheirOwnRun) {
  const std::string over =
      Name("index") + "|" + Name("touch") + "|" + Name("pointer") + "|" + Name("touch") + "|0.1";
  const std::string counter = Name("index") + ":bytes||||2.3";
  const Results results =
      ResultsOf({BenchmarkJson()
                     .Context("bar_01", over)
                     .Context("bar_02", counter)
                     .Context("bar_03", Name("index") + "||" + Name("inline") + "||1")
                     .Context("bar_04", "no bar")
                     .Add(Name("touch"), {100})
                     .Add(Name("index"), {109}, {{"bytes", 2.4}})
                     .Add(Name("pointer"), {200}),
                 // Has what the third bar needs, but is another run.
                 BenchmarkJson().Add(Name("inline"), {1000})});
  const std::vector<JudgedBar> bars = JudgeBars(results);
  ASSERT_EQ(bars.size(), 4U);
  EXPECT_TRUE(bars[0].met);
  EXPECT_NEAR(bars[0].figure.value_or(0), 0.09, 1e-12);
  EXPECT_DOUBLE_EQ(bars[0].limit, 0.1);
  EXPECT_FALSE(bars[1].met);
  EXPECT_DOUBLE_EQ(bars[1].figure.value_or(0), 2.4);
  EXPECT_EQ(bars[2].figure, std::nullopt);
  EXPECT_NE(bars[2].name, "");
  EXPECT_EQ(bars[3].figure, std::nullopt);
  EXPECT_EQ(bars[3].name, "") << "not understood";
  const BarCounts counts = CountBars(results);
  EXPECT_EQ(counts.met, 1U);
  EXPECT_EQ(counts.not_met, 1U);
  EXPECT_EQ(counts.not_measured, 2U);
}

TEST(BarsTest, ABarOfSeveralRunsIsThereForEachThatMeasuredIt) {
  const std::string text = Name("index") + "||" + Name("pointer") + "||1";
  const auto with_bar = [&] { return BenchmarkJson().Context("bar_01", text); };
  const Results results = ResultsOf({with_bar().Add(Name("inline"), {1}),
                                     with_bar().Add(Name("index"), {1}).Add(Name("pointer"), {2}),
                                     with_bar().Add(Name("index"), {3}).Add(Name("pointer"), {2}),
                                     with_bar().Add(Name("inline"), {1})});
  const std::vector<JudgedBar> bars = JudgeBars(results);
  ASSERT_EQ(bars.size(), 2U);
  EXPECT_EQ(bars[0].file, results.files()[1].get());
  EXPECT_TRUE(bars[0].met);
  EXPECT_EQ(bars[1].file, results.files()[2].get());
  EXPECT_FALSE(bars[1].met);
}

}  // namespace
}  // namespace inlay::bench_page
