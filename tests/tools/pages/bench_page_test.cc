// The benchmark page as a whole: its sections, their content, and its omissions.

#include "tools/pages/bench_page/bench_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "tests/tools/pages/benchmark_json.h"
#include "tests/tools/pages/example_results.h"
#include "tests/tools/pages/well_formed.h"
#include "tools/pages/document/document.h"
#include "tools/pages/document/html_page.h"
#include "tools/pages/document/markdown.h"

namespace inlay::bench_page {
namespace {

const page::Section* SectionOf(const page::Document& document, const std::string& id) {
  for (const page::Section& section : document.sections) {
    if (section.id == id) return &section;
  }
  return nullptr;
}

std::vector<const page::Figure*> FiguresOf(const page::Document& document) {
  std::vector<const page::Figure*> figures;
  for (const page::Section& section : document.sections) {
    for (const page::Block& block : section.blocks) {
      if (const auto* figure = std::get_if<page::Figure>(&block)) figures.push_back(figure);
    }
  }
  return figures;
}

const page::Figure* FigureTitled(const page::Document& document, const std::string& start) {
  for (const page::Figure* const figure : FiguresOf(document)) {
    if (figure->title.starts_with(start)) return figure;
  }
  return nullptr;
}

// The words of a table's row that starts with `name`, and of its header.
std::vector<std::string> Row(const page::Figure& figure, const std::string& name) {
  for (const page::Table::Row& row : figure.table.rows) {
    if (row.cells.front().Words() != name) continue;
    std::vector<std::string> words;
    for (const page::Text& cell : row.cells) words.push_back(cell.Words());
    return words;
  }
  ADD_FAILURE() << "no row " << name << " in " << figure.title;
  return {};
}

TEST(ReadmeTableTest, HasTheLayoutsAndItsContext) {
  EXPECT_EQ(
      ReadmeTable(ResultsOf({Headline()})),
      "Test CPU (2 cores), Linux 6.18.1, GNU 12.2.0, Release, commit abc1234, 2026-11-22: "
      "500,000 sockets, 500 values of 100 bytes; ns over the packet's own touch of the "
      "socket, which takes 336 ns; within noise: less than the repetitions of the touch differ "
      "by.\n"
      "\n"
      "| layout | get | create | update | delete | clone on accept | bytes per socket |\n"
      "|---|---:|---:|---:|---:|---:|---:|\n"
      "| `pointer`: the kernel today | 386 | 386 | 386 | 386 | 386 | 393 |\n"
      "| `single_pointer`: one object for all maps | 193 | 193 | 193 | 193 | 193 | - |\n"
      "| `inline`: the value in the socket | 96 | 96 | 96 | 96 | 96 | - |\n"
      "| `shared_pointer`: 8 bytes to a shared value | 48 | 48 | 48 | 48 | 48 | - |\n"
      "| `index`: 16 bits inline | 24 | 24 | 24 | 24 | 24 | 2.12 |\n"
      "| `index9`: 9 bits inline | 12 | 12 | 12 | 12 | 12 | - |\n");
}

TEST(ReadmeTableTest, IsEmptyIfNothingOfItWasMeasured) {
  EXPECT_EQ(ReadmeTable(ResultsOf({BenchmarkJson().Add("Kernel/packet/touch/sockets:1", {1})})),
            "");
}

// The layouts of a table for a README with their gets, a line each.
std::string GetsOfTable(const std::string& table) {
  std::string gets;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    // | `index`: 16 bits inline | 24 | ...
    if (!line.starts_with("| `")) continue;
    const size_t name_end = line.find('`', 3);
    const size_t get = line.find(" | ") + 3;
    gets +=
        line.substr(3, name_end - 3) + " " + line.substr(get, line.find(" | ", get) - get) + "\n";
  }
  return gets;
}

// The same of a chart: its labels and the texts at the ends of its bars.
std::string GetsOfChart(const std::string& chart) {
  std::string gets;
  std::istringstream lines(chart);
  for (std::string line; std::getline(lines, line);) {
    const std::string words = line.substr(line.find('>') + 1, line.rfind('<') - line.find('>') - 1);
    if (line.starts_with("<text class=\"label\"")) gets += words.substr(0, words.find(':')) + " ";
    if (line.starts_with("<text class=\"value\"")) gets += words + "\n";
  }
  return gets;
}

TEST(ReadmeChartTest, HasTheGetsOfTheTable) {
  const Results results = ResultsOf({Headline()});
  const std::string chart = ReadmeChart(results);
  EXPECT_EQ(WellFormed(chart).error(), "");
  EXPECT_EQ(GetsOfChart(chart), GetsOfTable(ReadmeTable(results)));
  EXPECT_NE(chart.find("socket: pointer 386, single_pointer 193, inline 96, shared_pointer 48, "
                       "index 24, index9 12.</desc>"),
            std::string::npos)
      << chart;
  for (const char* const words :
       {">What a get costs: 500,000 sockets, 500 values of 100 bytes</title>",
        ">pointer: the kernel today</text>",
        ">ns of a get over the packet&#39;s own touch of the socket</text>",
        ">Test CPU (2 cores), Linux 6.18.1, 2026-11-22</text>"}) {
    EXPECT_NE(chart.find(words), std::string::npos) << words << "\n" << chart;
  }
  EXPECT_EQ(chart.find("within noise"), std::string::npos) << "nothing is";
}

TEST(ReadmeChartTest, SaysThatAGetWithoutATouchIsTheWholeTime) {
  const std::string chart =
      ReadmeChart(ResultsOf({BenchmarkJson().Add("Get/index" + std::string(kCold), {120})}));
  EXPECT_NE(chart.find(">120*</text>"), std::string::npos) << chart;
  EXPECT_NE(chart.find(">* the whole time"), std::string::npos) << chart;
}

TEST(ReadmeChartTest, CanBeAllNoise) {
  const std::string chart =
      ReadmeChart(ResultsOf({BenchmarkJson()
                                 .Add("Get/touch" + std::string(kCold), {90, 100, 110})
                                 .Add("Get/index" + std::string(kCold), {80, 95, 130})}));
  EXPECT_EQ(WellFormed(chart).error(), "");
  EXPECT_EQ(GetsOfChart(chart), "index within noise\n");
  EXPECT_EQ(chart.find("nan"), std::string::npos) << chart;
  EXPECT_EQ(chart.find("class=\"whisker\""), std::string::npos) << chart;
}

TEST(ReadmeChartTest, KeepsHostileNamesHarmless) {
  const std::string hostile = "</text><script>alert(1)</script>&\"";
  const WellFormed chart(ReadmeChart(ResultsOf({Headline().Context("cpu", hostile)})));
  EXPECT_EQ(chart.error(), "");
  EXPECT_EQ(chart.elements().count("script"), 0U);
}

TEST(ReadmeChartTest, IsEmptyIfNothingOfItWasMeasured) {
  EXPECT_EQ(ReadmeChart(ResultsOf({BenchmarkJson().Add("Kernel/packet/touch/sockets:1", {1})})),
            "");
}

TEST(BenchPageTest, SaysInWordsWhatTheTableSays) {
  const std::string markdown = page::FormatMarkdown(BuildBenchPage(ResultsOf({Headline()})));
  for (const std::string sentence :
       {"touch of its socket takes 336 ns here. A get of `pointer` adds 386 ns to that, a get of "
        "`index` 24 ns: 6.2 % of it.",
        "A socket pays 2.12 bytes for `index`, everything included, and 393 for `pointer`, 185 "
        "times as much.",
        "In 3 repetitions the touch alone took 332 to 340 ns"}) {
    EXPECT_NE(markdown.find(sentence), std::string::npos) << sentence << "\n" << markdown;
  }
  EXPECT_EQ(markdown.find("Cheaper than"), std::string::npos) << "nothing but index9 is";
}

TEST(BenchPageTest, CostsBelowTheTouchsOwnSpreadAreWithinNoise) {
  const auto named = [](const std::string& question, const char* contender) {
    return question + "/" + contender + kCold;
  };
  // The repetitions of the touch of a get differ by 20 ns, those of a delete by 2 ns.
  const Results results = ResultsOf({BenchmarkJson()
                                         .Add(named("Get", "touch"), {90, 100, 110})
                                         .Add(named("Get", "pointer"), {300, 300, 300})
                                         .Add(named("Get", "index"), {119, 119, 119})
                                         .Add(named("Get", "index9"), {120, 120, 120})
                                         .Add(named("Get", "inline"), {60, 60, 60})
                                         .Add(named("Delete", "touch"), {99, 100, 101})
                                         .Add(named("Delete", "index"), {119, 119, 119})
                                         .Add(named("Delete", "inline"), {60, 60, 60})});
  // The bar of a cost within noise has no length, and nobody sees a whisker below zero.
  const std::string chart = ReadmeChart(results);
  EXPECT_EQ(GetsOfChart(chart),
            "pointer 200\ninline within noise\nindex within noise\nindex9 20\n");
  EXPECT_EQ(chart.find(">-"), std::string::npos) << chart;
  EXPECT_NE(chart.find(">within noise: the cost is smaller than"), std::string::npos) << chart;
  const std::string table = ReadmeTable(results);
  EXPECT_EQ(GetsOfChart(chart), GetsOfTable(table));
  for (const char* const row :
       {"| `inline`: the value in the socket | within noise | - | - | within noise |",
        "| `index`: 16 bits inline | within noise | - | - | 19 |",
        "| `index9`: 9 bits inline | 20 | - | - | - |"}) {
    EXPECT_NE(table.find(row), std::string::npos) << row << "\n" << table;
  }
  const std::string markdown = page::FormatMarkdown(BuildBenchPage(results));
  EXPECT_NE(markdown.find("- **within noise** a get of `index` over the packet's own touch, less "
                          "than 10 % of `pointer`"),
            std::string::npos)
      << markdown;
  EXPECT_NE(
      markdown.find("a get of `index` nothing above the noise of 20 ns: less than 10 % of it."),
      std::string::npos)
      << markdown;
  // No cell of a table is negative.
  EXPECT_EQ(markdown.find("| -4"), std::string::npos) << markdown;
}

TEST(BenchPageTest, SaysWhatIsCheaperThanIndexBeyondTheSpread) {
  const auto named = [](const char* contender) {
    return "Create/" + std::string(contender) + kCold;
  };
  const Results results = ResultsOf({BenchmarkJson()
                                         .Add(named("touch"), {100, 100, 100})
                                         .Add(named("index"), {180, 181, 182})
                                         .Add(named("inline"), {150, 151, 152})
                                         .Add(named("shared_pointer"), {170, 180, 190})});
  const std::string markdown = page::FormatMarkdown(BuildBenchPage(results));
  EXPECT_NE(markdown.find("Cheaper than `index`: create with `inline` (51 ns).\n"),
            std::string::npos)
      << markdown;
}

TEST(BenchPageTest, ListsWhatWasNotMeasured) {
  const page::Document document = BuildBenchPage(ResultsOf({Headline()}));
  for (const char* const there : {"headline", "get", "memory", "writes", "method", "missing"}) {
    EXPECT_NE(SectionOf(document, there), nullptr) << there;
  }
  for (const char* const absent : {"kernel", "peers", "threads", "bars", "failures"}) {
    EXPECT_EQ(SectionOf(document, absent), nullptr) << absent;
  }
  const auto& missing =
      std::get<page::BulletList>(SectionOf(document, "missing")->blocks.at(0)).items;
  std::vector<std::string> words;
  for (const page::Text& item : missing) words.push_back(item.Words());
  for (const char* const name : {"peers", "bars", "break-even curves", "several threads"}) {
    EXPECT_NE(std::find(words.begin(), words.end(), name), words.end()) << name;
  }
  EXPECT_EQ(std::find(words.begin(), words.end(), "what a get costs"), words.end());
}

TEST(BenchPageTest, FailuresAreListed) {
  const page::Document document = BuildBenchPage(
      ResultsOf({Headline().AddFailure("Get/index/packet/sockets:9", "no memory at all")}));
  const std::string markdown = page::FormatMarkdown(document);
  EXPECT_NE(markdown.find("**1 benchmark failed**"), std::string::npos);
  EXPECT_NE(markdown.find("| `Get/index/packet/sockets:9` | no memory at all |"),
            std::string::npos);
}

TEST(BenchPageTest, OnlyFailuresAreAReportToo) {
  const page::Document document =
      BuildBenchPage(ResultsOf({BenchmarkJson().AddFailure("Get/index/packet", "no memory")}));
  EXPECT_NE(SectionOf(document, "failures"), nullptr);
  EXPECT_EQ(WellFormed(page::FormatHtml(document)).error(), "");
}

TEST(BenchPageTest, EveryFigureHasTheCommandThatMadeIt) {
  const page::Document document = BuildBenchPage(ResultsOf(AllQuestions()));
  const std::vector<const page::Figure*> figures = FiguresOf(document);
  EXPECT_GE(figures.size(), 20U);
  for (const page::Figure* const figure : figures) {
    EXPECT_FALSE(figure->commands.empty()) << figure->title;
    EXPECT_FALSE(figure->table.empty()) << figure->title << " has no table";
    for (const page::Table::Row& row : figure->table.rows) {
      EXPECT_EQ(row.cells.size(), figure->table.columns.size()) << figure->title;
    }
  }
  EXPECT_EQ(SectionOf(document, "missing"), nullptr) << "everything was measured";
  const page::Figure* const sweep = FigureTitled(document, "A get against the number of sockets");
  ASSERT_NE(sweep, nullptr);
  EXPECT_EQ(sweep->commands, (std::vector<std::string>{"get_bench --sweep"}));
}

TEST(BenchPageTest, ItsPageIsWellFormed) {
  const std::string html = page::FormatHtml(BuildBenchPage(ResultsOf(AllQuestions())));
  EXPECT_EQ(WellFormed(html).error(), "");
  EXPECT_EQ(html.find("nan"), std::string::npos);
  EXPECT_NE(html.find("Something/"), std::string::npos) << "all figures are there";
}

TEST(BenchPageTest, BreakEvensAreMarkedUnlessThereIsNone) {
  const page::Document document = BuildBenchPage(ResultsOf(AllQuestions()));
  const page::Figure* const curves =
      FigureTitled(document, "Bytes per socket against the number of distinct values");
  ASSERT_NE(curves, nullptr);
  const auto& chart = std::get<page::LineChart>(*curves->chart);
  ASSERT_EQ(chart.marks.size(), 1U);
  EXPECT_DOUBLE_EQ(chart.marks[0].x, 440000);
  EXPECT_EQ(chart.marks[0].series, "inline");
  const page::Figure* const found = FigureTitled(document, "Distinct values from which index");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(Row(*found, "500,000 sockets, values of 100 bytes"),
            (std::vector<std::string>{"500,000 sockets, values of 100 bytes",
                                      "440,000 (88 % of the sockets)", "never"}));
}

TEST(BenchPageTest, TheKernelsRatioIsOverTheTouch) {
  const std::string markdown = page::FormatMarkdown(BuildBenchPage(ResultsOf(AllQuestions())));
  EXPECT_NE(markdown.find("`index` costs 8.0 ns, `sk_storage` 100 ns; (index - touch) / "
                          "(sk_storage - touch) = 0.080."),
            std::string::npos)
      << markdown;
}

TEST(BenchPageTest, ThroughputIsOfAllThreads) {
  const page::Document document = BuildBenchPage(ResultsOf(AllQuestions()));
  const page::Figure* const figure = FigureTitled(document, "Throughput");
  ASSERT_NE(figure, nullptr);
  ASSERT_EQ(figure->table.rows.size(), 2U);
  EXPECT_EQ(figure->table.rows[0].cells[2].Words(), "10.0") << "100 ns each";
  EXPECT_EQ(figure->table.rows[1].cells[2].Words(), "20.0");
  EXPECT_EQ(figure->table.rows[1].cells[7].Words(), "2.00");
}

// The gain of a thread uses the same figures as the bars.
TEST(BenchPageTest, ThroughputGainIsThatOfTheFastestRounds) {
  const page::Document document = BuildBenchPage(ResultsOf(
      {BenchmarkJson()
           .Add("Scaling/index/get/readers:1/writers:0", {100}, {{"quiet_ns_per_op", 90}})
           .Add("Scaling/index/get/readers:2/writers:0", {80}, {{"quiet_ns_per_op", 45}})}));
  const page::Figure* const figure = FigureTitled(document, "Throughput");
  ASSERT_NE(figure, nullptr);
  ASSERT_EQ(figure->table.rows.size(), 2U);
  EXPECT_EQ(figure->table.rows[1].cells[6].Words(), "45");
  EXPECT_EQ(figure->table.rows[1].cells[7].Words(), "2.00");
}

TEST(BenchPageTest, ACostWithoutATouchIsMarked) {
  const auto named = [](const std::string& question, const char* contender) {
    return question + "/" + contender + kCold;
  };
  const page::Document document =
      BuildBenchPage(ResultsOf({BenchmarkJson()
                                    .Add(named("Create", "touch"), {10})
                                    .Add(named("Create", "index"), {30})
                                    .Add(named("Close", "index"), {70})}));
  const page::Figure* const writes = FigureTitled(document, "Changes in the packet path");
  ASSERT_NE(writes, nullptr);
  EXPECT_EQ(Row(*writes, "index"), (std::vector<std::string>{"index", "20", "70*"}));
  ASSERT_EQ(writes->notes.size(), 1U);
  EXPECT_TRUE(writes->notes[0].Words().starts_with("* the whole time"));
}

TEST(BenchPageTest, TextsOfResultsAreNoMarkup) {
  const std::string hostile = "<script>alert(1)</script>|`x`";
  const page::Document document = BuildBenchPage(ResultsOf({Headline()
                                                                .Context("cpu", hostile)
                                                                .Context("command", hostile)
                                                                .Context("date", hostile)
                                                                .Add("Get/" + hostile + kCold, {1})
                                                                .AddFailure(hostile, hostile)}));
  const WellFormed page(page::FormatHtml(document));
  EXPECT_EQ(page.error(), "");
  EXPECT_EQ(page.elements().count("script"), 0U);
}

}  // namespace
}  // namespace inlay::bench_page
