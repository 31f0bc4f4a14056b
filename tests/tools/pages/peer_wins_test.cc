// The report states in words where a peer wins, and where none does.

#include "tools/pages/bench_page/peer_wins.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/pages/benchmark_json.h"

namespace inlay::bench_page {
namespace {

std::string Get(const std::string& contender, int sockets, int values, int bytes) {
  return "Get/" + contender + "/hot/sockets:" + std::to_string(sockets) +
         "/values:" + std::to_string(values) + "/bytes:" + std::to_string(bytes);
}

SituationInWords Words(const Results& results, Situation situation) {
  return PeerWinsInWords(ComparePeers(results)).at(static_cast<size_t>(situation));
}

TEST(PeerWinsTest, SituationsFollowFromTheSizes) {
  const auto of = [](int sockets, int values, int bytes) {
    return SituationOf(BenchmarkName::Parse(Get("index", sockets, values, bytes)));
  };
  EXPECT_EQ(of(1000, 1, 100), Situation::kOneValue);
  EXPECT_EQ(of(1000, 1, 8), Situation::kOneValue);
  EXPECT_EQ(of(1000, 1000, 8), Situation::kAllDistinct);
  EXPECT_EQ(of(1000, 5000, 100), Situation::kAllDistinct);
  EXPECT_EQ(of(1000, 500, 8), Situation::kTinyValues);
  EXPECT_EQ(of(1000, 500, 9), Situation::kUsual);
  EXPECT_EQ(
      SituationOf(BenchmarkName::Parse("Get/index/hot_one_value/sockets:9/values:5/bytes:99")),
      Situation::kOneValue);
}

TEST(PeerWinsTest, SaysWhichPeerWinsAndByHowMuch) {
  const Results results = ResultsOf({BenchmarkJson()
                                         .Add(Get("touch", 1000, 1, 100), {100, 100, 100})
                                         .Add(Get("index", 1000, 1, 100), {110, 110, 110})
                                         .Add(Get("shared_ptr", 1000, 1, 100), {108, 108, 108})
                                         .Add(Get("flyweight", 1000, 1, 100), {106, 106, 106})
                                         .Add(Get("side_table", 1000, 1, 100), {300, 300, 300})});
  const SituationInWords words = Words(results, Situation::kOneValue);
  EXPECT_EQ(words.summary.Words(),
            "One value for all sockets. A peer is faster or smaller than index at 1 of 1 point.");
  ASSERT_EQ(words.wins.size(), 1U);
  EXPECT_EQ(words.wins[0].Words(),
            "Get, hot (1,000 sockets, 1 value of 100 bytes): flyweight 6.0 ns (40 % less), "
            "shared_ptr 8.0 ns (20 % less) against 10 ns of index.");
}

TEST(PeerWinsTest, SaysWhenNoPeerWins) {
  const Results results = ResultsOf({BenchmarkJson()
                                         .Add(Get("index", 1000, 500, 8), {10, 10})
                                         .Add(Get("flyweight", 1000, 500, 8), {10, 10})
                                         .Add(Get("index", 2000, 500, 8), {10, 10})
                                         .Add(Get("flyweight", 2000, 500, 8), {12, 12})});
  const SituationInWords words = Words(results, Situation::kTinyValues);
  EXPECT_EQ(words.summary.Words(),
            "Tiny values, of 8 bytes or less. No peer is faster or smaller than index at any of 2 "
            "points.");
  EXPECT_TRUE(words.wins.empty());
}

TEST(PeerWinsTest, SaysWhatWasNotMeasured) {
  const Results results = ResultsOf({BenchmarkJson().Add(Get("index", 1000, 1000, 8), {10})});
  for (const SituationInWords& words : PeerWinsInWords(ComparePeers(results))) {
    EXPECT_NE(words.summary.Words().find("Not measured"), std::string::npos)
        << words.summary.Words();
  }
}

TEST(PeerWinsTest, ADifferenceWithinTheSpreadIsCalledThat) {
  const Results overlapping =
      ResultsOf({BenchmarkJson()
                     .Add(Get("index", 1000, 500, 100), {10, 20, 30, 40})
                     .Add(Get("flyweight", 1000, 500, 100), {9, 19, 29, 39})});
  ASSERT_EQ(Words(overlapping, Situation::kUsual).wins.size(), 1U);
  EXPECT_NE(Words(overlapping, Situation::kUsual).wins[0].Words().find("within the spread"),
            std::string::npos);
  const Results once = ResultsOf({BenchmarkJson()
                                      .Add(Get("index", 1000, 500, 100), {10})
                                      .Add(Get("flyweight", 1000, 500, 100), {9})});
  EXPECT_NE(Words(once, Situation::kUsual).wins.at(0).Words().find("one repetition"),
            std::string::npos);
}

TEST(PeerWinsTest, MemoryIsComparedInBytes) {
  const std::string sizes = "/sockets:1000/values:1000/bytes:100";
  const Results results =
      ResultsOf({BenchmarkJson()
                     .Add("Memory/index" + sizes, {1}, {{"bytes_per_socket", 130}})
                     .Add("Memory/flyweight" + sizes, {900}, {{"bytes_per_socket", 104}})
                     .Add("Memory/side_table" + sizes, {0.1}, {{"bytes_per_socket", 150}})
                     .Add("Memory/shared_ptr" + sizes, {0.1})});
  const SituationInWords words = Words(results, Situation::kAllDistinct);
  ASSERT_EQ(words.wins.size(), 1U);
  EXPECT_EQ(words.wins[0].Words(),
            "Memory (1,000 sockets, 1,000 values of 100 bytes): flyweight 104 bytes (20 % less) "
            "against 130 bytes of index.");
}

TEST(PeerWinsTest, PeersAreComparedWithTheIndexOfTheirOwnRun) {
  const Results results = ResultsOf({BenchmarkJson().Add(Get("index", 1000, 500, 100), {1, 1}),
                                     BenchmarkJson()
                                         .Add(Get("index", 1000, 500, 100), {50, 50})
                                         .Add(Get("flyweight", 1000, 500, 100), {40, 40})});
  const std::vector<PeerComparison> comparisons = ComparePeers(results);
  ASSERT_EQ(comparisons.size(), 1U);
  EXPECT_TRUE(comparisons[0].peer_wins());
  EXPECT_DOUBLE_EQ(comparisons[0].index_figure, 50);
  // A peer without an index beside it is compared with nothing.
  EXPECT_TRUE(ComparePeers(ResultsOf({BenchmarkJson().Add(Get("index", 1000, 500, 100), {1}),
                                      BenchmarkJson().Add(Get("flyweight", 1000, 500, 100), {2})}))
                  .empty());
}

}  // namespace
}  // namespace inlay::bench_page
