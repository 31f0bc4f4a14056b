// The files that `inlay report` reads, and those that it rejects.

#include "tools/pages/bench_results/result_file.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/pages/benchmark_json.h"
#include "tests/tools/temporary_files.h"
#include "tools/pages/bench_results/results.h"

namespace inlay::bench_page {
namespace {

constexpr char kName[] = "Get/index/packet/sockets:10/values:2/bytes:8";

std::string Refusal(const std::string& text) {
  const absl::StatusOr<ResultFile> file = ResultFile::Parse("some.json", text);
  EXPECT_FALSE(file.ok()) << text.substr(0, 200);
  const std::string message = file.ok() ? "" : std::string(file.status().message());
  EXPECT_TRUE(message.starts_with("some.json: ")) << message;
  return message;
}

TEST(ResultFileTest, TakesMedianLeastAndMostOfRepetitions) {
  const Results results = ResultsOf({BenchmarkJson().Add(kName, {5, 1, 3, 2, 100})});
  const Sample& time_ns = results.files()[0]->points().at(0).time_ns;
  EXPECT_EQ(time_ns.count(), 5U);
  EXPECT_DOUBLE_EQ(time_ns.median(), 3);
  EXPECT_DOUBLE_EQ(time_ns.least(), 1);
  EXPECT_DOUBLE_EQ(time_ns.most(), 100);
  EXPECT_DOUBLE_EQ(time_ns.lower_quartile(), 2);
  EXPECT_DOUBLE_EQ(time_ns.upper_quartile(), 5);
}

TEST(ResultFileTest, MedianOfAnEvenNumberIsBetweenTheMiddleTwo) {
  const Results results = ResultsOf({BenchmarkJson().Add(kName, {4, 1, 2, 9})});
  EXPECT_DOUBLE_EQ(results.files()[0]->points().at(0).time_ns.median(), 3);
}

TEST(ResultFileTest, CountersAreSamplesToo) {
  const Results results = ResultsOf({BenchmarkJson().Add(kName, {1, 1, 1}, {{"bytes", 2.5}})});
  const Point& point = results.files()[0]->points().at(0);
  ASSERT_EQ(point.counters.size(), 1U) << "what every run has is no counter";
  EXPECT_DOUBLE_EQ(point.counters.at("bytes").median(), 2.5);
  EXPECT_EQ(point.counters.at("bytes").count(), 3U);
}

TEST(ResultFileTest, TimesAreInNanosecondsWhateverTheirUnit) {
  nlohmann::json run = {{"run_name", kName}, {"run_type", "iteration"}, {"real_time", 2.5}};
  for (const auto& [unit, ns] :
       std::map<std::string, double>{{"ns", 2.5}, {"us", 2500}, {"ms", 2.5e6}, {"s", 2.5e9}}) {
    run["time_unit"] = unit;
    const Results results = ResultsOf({BenchmarkJson().AddRun(run)});
    EXPECT_DOUBLE_EQ(results.files()[0]->points().at(0).time_ns.median(), ns) << unit;
  }
  run["time_unit"] = "fortnight";
  EXPECT_NE(Refusal(BenchmarkJson().AddRun(run).Text()).find("real_time"), std::string::npos);
}

TEST(ResultFileTest, AggregatesAreNotRepetitions) {
  nlohmann::json aggregate = {{"run_name", kName},
                              {"run_type", "aggregate"},
                              {"aggregate_name", "mean"},
                              {"real_time", 1000},
                              {"time_unit", "ns"}};
  const Results results =
      ResultsOf({BenchmarkJson().Add(kName, {1, 2, 3}).AddRun(aggregate).AddRun(aggregate)});
  EXPECT_EQ(results.files()[0]->points().at(0).time_ns.count(), 3U);
  EXPECT_NE(Refusal(BenchmarkJson().AddRun(aggregate).Text()).find("only aggregates"),
            std::string::npos);
}

TEST(ResultFileTest, NumbersThatAreNoneAreNotCounters) {
  // As Google Benchmark writes the spread of a counter that is always zero.
  std::string text = BenchmarkJson().Add(kName, {1}, {{"good", 1}, {"bad", 12345}}).Text();
  for (const std::string number : {"NaN", "-NaN", "Infinity", "-Infinity"}) {
    std::string with_number = text;
    with_number.replace(with_number.find("12345.0"), 7, number);
    const absl::StatusOr<ResultFile> file = ResultFile::Parse("some.json", with_number);
    ASSERT_TRUE(file.ok()) << number << ": " << file.status();
    EXPECT_EQ(file->points()[0].counters.size(), 1U) << number;
  }
  // In a text, the word is a word.
  const absl::StatusOr<ResultFile> file = ResultFile::Parse(
      "some.json", BenchmarkJson().Context("cpu", "NaN \"Infinity\" \\").Add(kName, {1}).Text());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->context().cpu, "NaN \"Infinity\" \\");
}

TEST(ResultFileTest, PointsAreInTheOrderOfRegistration) {
  // Mixed repetitions arrive in any order.
  BenchmarkJson json;
  json.Add("Get/b/packet", {1}).Add("Get/a/packet", {1});
  const Results results = ResultsOf({json});
  EXPECT_EQ(results.files()[0]->points().at(0).run_name, "Get/b/packet");
  EXPECT_EQ(results.files()[0]->points().at(1).run_name, "Get/a/packet");
}

TEST(ResultFileTest, KeepsFailuresOnce) {
  const Results results = ResultsOf({BenchmarkJson()
                                         .Add(kName, {1})
                                         .AddFailure("Get/pointer/packet", "no memory")
                                         .AddFailure("Get/pointer/packet", "no memory")});
  const ResultFile& file = *results.files()[0];
  EXPECT_EQ(file.points().size(), 1U);
  ASSERT_EQ(file.failures().size(), 1U);
  EXPECT_EQ(file.failures()[0].run_name, "Get/pointer/packet");
  EXPECT_EQ(file.failures()[0].message, "no memory");
}

TEST(ResultFileTest, RefusesAMissingPieceOfContextByName) {
  for (const char* const key : {"cpu", "compiler", "build_type", "kernel", "transparent_hugepage",
                                "commit", "command", "program", "date", "num_cpus"}) {
    const std::string named = std::string("\"") + key + "\"";
    EXPECT_NE(Refusal(BenchmarkJson().Without(key).Add(kName, {1}).Text()).find(named),
              std::string::npos);
    EXPECT_NE(Refusal(BenchmarkJson().Context(key, "").Add(kName, {1}).Text()).find(named),
              std::string::npos);
    EXPECT_NE(Refusal(BenchmarkJson().Context(key, nullptr).Add(kName, {1}).Text()).find(named),
              std::string::npos);
  }
}

TEST(ResultFileTest, RefusesWhatIsNotAResult) {
  EXPECT_NE(Refusal("").find("not JSON"), std::string::npos);
  EXPECT_NE(Refusal("# text").find("not JSON"), std::string::npos);
  const std::string whole = BenchmarkJson().Add(kName, {1}).Text();
  for (const size_t length : {whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
    EXPECT_NE(Refusal(whole.substr(0, length)).find("cut off"), std::string::npos) << length;
  }
  EXPECT_NE(Refusal("[]").find("context"), std::string::npos);
  EXPECT_NE(Refusal("{}").find("context"), std::string::npos);
  EXPECT_NE(Refusal(R"({"context": [], "benchmarks": []})").find("context"), std::string::npos);
  EXPECT_NE(Refusal(R"({"context": {}})").find("benchmarks"), std::string::npos);
  EXPECT_NE(Refusal(R"({"context": {}, "benchmarks": 1})").find("benchmarks"), std::string::npos);
  EXPECT_NE(Refusal(BenchmarkJson().Text()).find("empty"), std::string::npos);
  EXPECT_NE(Refusal(BenchmarkJson().AddRun(7).Text()).find("run 1"), std::string::npos);
  EXPECT_NE(Refusal(BenchmarkJson().Add(kName, {1}).AddRun({{"run_name", 3}}).Text()).find("run 2"),
            std::string::npos);
}

TEST(ResultFileTest, ReadsFilesThatAreThere) {
  const TemporaryFiles files;
  const std::string path = files.Write("a.json", BenchmarkJson().Add(kName, {1}).Text());
  const absl::StatusOr<ResultFile> file = ResultFile::Read(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->path(), path);
  EXPECT_EQ(file->points().at(0).file, &*file);
  for (const std::string& missing : {files.Path("b.json"), files.Path("")}) {
    const absl::StatusOr<ResultFile> none = ResultFile::Read(missing);
    ASSERT_FALSE(none.ok());
    EXPECT_TRUE(std::string(none.status().message()).starts_with(missing)) << none.status();
  }
}

TEST(BenchmarkNameTest, HasQuestionContenderPatternAndArguments) {
  const BenchmarkName name = BenchmarkName::Parse("Get/index/hot/sockets:1000/values:5/bytes:8");
  EXPECT_EQ(name.question, "Get");
  EXPECT_EQ(name.contender, "index");
  EXPECT_EQ(name.pattern, "hot");
  EXPECT_EQ(name.arguments, (Arguments{{"sockets", 1000}, {"values", 5}, {"bytes", 8}}));
}

TEST(BenchmarkNameTest, WhatIsMissingIsEmpty) {
  const BenchmarkName memory = BenchmarkName::Parse("Memory/index/sockets:10");
  EXPECT_EQ(memory.pattern, "");
  EXPECT_EQ(memory.argument("sockets"), 10);
  EXPECT_EQ(memory.argument("maps"), std::nullopt);
  EXPECT_EQ(BenchmarkName::Parse("Lonely").question, "Lonely");
  EXPECT_EQ(BenchmarkName::Parse("").question, "");
  EXPECT_EQ(BenchmarkName::Parse("Get/index/x:y/:3/sockets:").arguments, Arguments());
}

TEST(BenchmarkNameTest, WhatGoogleBenchmarkAppendsIsNotPartOfIt) {
  EXPECT_EQ(BenchmarkName::Parse("Get/a/b/sockets:10/iterations:1/repeats:3/manual_time"),
            BenchmarkName::Parse("Get/a/b/sockets:10"));
  EXPECT_EQ(BenchmarkName::Parse("Scaling/a/b/readers:2/min_time:0.5/real_time"),
            BenchmarkName::Parse("Scaling/a/b/readers:2"));
}

TEST(BenchmarkNameTest, TheKernelsWalkIsItsPattern) {
  const BenchmarkName name = BenchmarkName::Parse("Kernel/iterator/sk_storage/sockets:10");
  EXPECT_EQ(name.contender, "sk_storage");
  EXPECT_EQ(name.pattern, "iterator");
}

}  // namespace
}  // namespace inlay::bench_page
