// The page of `inlay analyze --html`: its sections, their content, and that no data breaks it.

#include "tools/pages/analyze_page/analyze_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/tools/pages/well_formed.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/growth/growth_law.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/growth_words.h"
#include "tools/analysis/report/report.h"
#include "tools/pages/document/html_page.h"
#include "tools/pages/document/markdown.h"
#include "tools/pages/document/terminal.h"

namespace inlay::analyze_page {
namespace {

using analysis::RecordOptions;
using analysis::Report;

struct Asked {
  RecordOptions records = {};
  size_t top = 10;
  size_t budget_bytes = analysis::BoundedCounter::kUnbounded;
};

Report Analyze(const std::string& content, const Asked& asked = {}) {
  TemporaryFiles files;
  auto source = analysis::OpenRecords({files.Write("data", content)}, asked.records);
  EXPECT_TRUE(source.ok()) << source.status();
  auto distinct = analysis::CountDistinct(**source, 1, asked.budget_bytes);
  EXPECT_TRUE(distinct.ok()) << distinct.status();
  return analysis::BuildReport((*source)->schema(), *distinct, asked.top, 1,
                               {.budget_bytes = asked.budget_bytes});
}

Asked Columns(const std::string& columns) {
  Asked asked;
  asked.records.columns = columns;
  return asked;
}

Asked Struct(const std::string& fields) {
  Asked asked;
  asked.records.fields = fields;
  return asked;
}

page::Document Page(const Report& report) {
  return BuildPage(report, {.command = "inlay analyze data", .version = "1.2", .paths = {"data"}});
}

std::vector<std::string> Sections(const Report& report) {
  std::vector<std::string> ids;
  for (const page::Section& section : Page(report).sections) ids.push_back(section.id);
  return ids;
}

bool Has(const Report& report, const std::string& id) {
  const std::vector<std::string> ids = Sections(report);
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The text of the page, without markup.
std::string Words(const Report& report) { return page::FormatMarkdown(Page(report)); }

std::string Head(const Report& report) {
  std::string text;
  for (const page::Text& paragraph : Page(report).verdict) text += paragraph.Words() + "\n";
  return text;
}

void ExpectGoodPage(const Report& report) {
  const std::string html = page::FormatHtml(Page(report));
  const WellFormed page(html);
  EXPECT_EQ(page.error(), "");
  EXPECT_EQ(page.elements().count("script"), 0U);
  for (const char* const wrong : {"\"nan", " nan", "\"inf\"", "inf ", "-nan"}) {
    EXPECT_FALSE(Contains(html, wrong)) << wrong;
  }
}

// Configuration in two columns, and a counter that spoils them.
std::string Spoiled() {
  std::string text = "cc,mss,port\n";
  for (int i = 0; i < 4'000; ++i) {
    absl::StrAppend(&text, i % 2 == 0 ? "cubic" : "bbr", ",", 1400 + i % 3, ",", i, "\n");
  }
  return text;
}

TEST(AnalyzePageTest, HasASectionForWhatIsKnown) {
  const Report report = Analyze(Spoiled(), Columns("cc,mss,port"));
  EXPECT_EQ(Sections(report),
            (std::vector<std::string>{"todo", "values", "spoilers", "memory", "break-even", "split",
                                      "growth", "copies", "top", "fields", "terms", "origin"}));
  ExpectGoodPage(report);
}

TEST(AnalyzePageTest, LeavesOutWhatThereIsNothingToSayOf) {
  const Report one_field = Analyze("a\nb\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\n");
  for (const char* const absent : {"spoilers", "split", "snapshots", "notes"}) {
    EXPECT_FALSE(Has(one_field, absent)) << absent;
  }
  EXPECT_TRUE(Has(one_field, "break-even"));
  ExpectGoodPage(one_field);

  const Report one_record = Analyze("a,b\n");
  for (const char* const absent : {"spoilers", "break-even", "growth"}) {
    EXPECT_FALSE(Has(one_record, absent)) << absent;
  }
  EXPECT_TRUE(Contains(Head(one_record), "One record cannot tell"));
  ExpectGoodPage(one_record);

  Asked no_top;
  no_top.top = 0;
  EXPECT_FALSE(Has(Analyze("a\nb\n", no_top), "top"));
}

TEST(AnalyzePageTest, TheHeadAnswers) {
  const std::string spoiled = Head(Analyze(Spoiled(), Columns("cc,mss,port")));
  EXPECT_TRUE(Contains(spoiled, "port spoils it")) << spoiled;
  EXPECT_TRUE(Contains(spoiled, "The spoiler is port: without it 6 of 4,000 distinct values"))
      << spoiled;
  EXPECT_TRUE(Contains(spoiled,
                       "While a change of all values rolls out, 8,000 old and new ones: "
                       "13 bits."))
      << spoiled;
  EXPECT_TRUE(Contains(Words(Analyze(Spoiled(), Columns("cc,mss,port"))),
                       "Share only a part of the fields."));

  const std::string good = Head(Analyze(Spoiled(), Columns("cc,mss")));
  EXPECT_TRUE(good.starts_with("Yes: 667x fewer values than records; 3 bits; ")) << good;
  EXPECT_TRUE(Contains(good,
                       "6 distinct values in 4,000 records: 3 bits. While a change of all "
                       "values rolls out, 12 old and new ones: 4 bits."))
      << good;
  EXPECT_TRUE(Contains(Words(Analyze(Spoiled(), Columns("cc,mss"))),
                       "Share the values with an **index of 4 bits**"));

  const std::string different = Head(Analyze(Spoiled(), Columns("port")));
  EXPECT_TRUE(different.starts_with("No: no two values are equal.")) << different;
}

TEST(AnalyzePageTest, TheBriefIsAScreenAndBeginsWithTheVerdict) {
  for (const char* const columns : {"cc,mss", "cc,mss,port", "port"}) {
    const Report report = Analyze(Spoiled(), Columns(columns));
    const std::string text = page::FormatTerminal(BuildBrief(report), {});
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 40) << text;
    const std::string first = Page(report).verdict.front().Words();
    const size_t at = text.find("records.\n\n");
    ASSERT_NE(at, std::string::npos) << text;
    EXPECT_EQ(text.substr(at + 10, 4), first.substr(0, 4)) << text;
    EXPECT_FALSE(Contains(text, "\x1B")) << "no escape sequences unless asked for";
    EXPECT_TRUE(Contains(text, "\nWhat to do\n")) << text;
  }
}

TEST(AnalyzePageTest, FullHasEverySectionOfThePageButGlossaryAndOrigin) {
  const Report report = Analyze(Spoiled(), Columns("cc,mss,port"));
  const std::string text = page::FormatTerminal(BuildFull(report), {});
  for (const page::Section& section : Page(report).sections) {
    const bool left_out = section.id == "terms" || section.id == "origin";
    EXPECT_NE(Contains(text, "\n" + section.title + "\n---"), left_out) << section.title;
  }
}

TEST(AnalyzePageTest, NotesOnTheInputAreInAllOutputs) {
  Report report = Analyze(Spoiled(), Columns("cc,mss"));
  report.notes = {{.text = "3 rows were damaged."}};
  EXPECT_TRUE(Contains(page::FormatTerminal(BuildBrief(report), {}), "- 3 rows were damaged."));
  EXPECT_TRUE(Contains(page::FormatTerminal(BuildFull(report), {}), "- 3 rows were damaged."));
  EXPECT_TRUE(Contains(Words(report), "- 3 rows were damaged."));
}

TEST(AnalyzePageTest, NamesAndValuesMayBeAnything) {
  const std::string markup = "<script>alert(1)</script>";
  // NOLINTNEXTLINE(misc-misleading-bidirectional): misleading on purpose
  const std::string backwards = "\xe2\x80\xae";
  std::string text =
      markup + ",\"a\"\"&'\",\xff\x01,," + backwards + std::string(3'000, 'n') + "\n";
  for (int i = 0; i < 60; ++i) {
    absl::StrAppend(&text, "</td></table>", i % 5, ",&amp;,\xfe\xff\"\x07,,",
                    std::string(5'000, 'v'), i, "\n");
  }
  Asked asked;
  asked.records.format = analysis::RecordFormat::kCsv;
  asked.records.header = true;
  asked.records.delimiter = ',';
  const Report report = Analyze(text, asked);
  ExpectGoodPage(report);
  const std::string html = page::FormatHtml(Page(report));
  EXPECT_TRUE(Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_TRUE(Contains(html, "(no name)"));
  EXPECT_TRUE(Contains(html, "\\xFF\\x01"));
  EXPECT_FALSE(Contains(html, std::string(400, 'v'))) << "long values are cut";
  // The C structs have names in full, as far as they are on the page at all.
  Report without_structs = report;
  without_structs.split.reset();
  EXPECT_FALSE(Contains(page::FormatHtml(Page(without_structs)), std::string(400, 'n')));

  const page::Document page = BuildPage(report, {.command = "inlay '" + markup + "'",
                                                 .version = markup,
                                                 .paths = {markup, "-", std::string(9'000, 'p')}});
  const WellFormed formed(page::FormatHtml(page));
  EXPECT_EQ(formed.error(), "");
  EXPECT_EQ(formed.elements().count("script"), 0U);
}

TEST(AnalyzePageTest, IsOfBoundedSizeAndSaysWhatIsCut) {
  std::string text;
  for (int row = 0; row < 700; ++row) {
    for (int column = 0; column < 300; ++column) absl::StrAppend(&text, row % (column + 2), ",");
    absl::StrAppend(&text, row, "\n");
  }
  Asked asked;
  asked.top = 1'000'000;
  const Report report = Analyze(text, asked);
  ASSERT_EQ(report.top.size(), 700U);
  ASSERT_EQ(report.fields.size(), 301U);
  const std::string words = Words(report);
  EXPECT_TRUE(Contains(words, "221 more; --json has them all."));
  EXPECT_TRUE(Contains(words, "500 more; --json has them."));
  EXPECT_LT(page::FormatHtml(Page(report)).size(), 500'000U);
}

TEST(AnalyzePageTest, ManySpoilersAreCutToo) {
  // The text names any number of spoilers.
  std::string text;
  for (int row = 0; row < 400; ++row) {
    for (int column = 0; column < 400; ++column) absl::StrAppend(&text, row, ",");
    absl::StrAppend(&text, "same", row % 3, "\n");
  }
  Report report = Analyze(text);
  report.spoilers.steps.clear();
  for (size_t field = 0; field < 400; ++field) report.spoilers.steps.push_back({field, 3});
  report.joint_spoilers = 400;
  const std::string head = Head(report);
  EXPECT_TRUE(Contains(head, "c1, c2, c3 and 397 more spoil it")) << head;
  EXPECT_LT(head.size(), 6'000U);
  EXPECT_TRUE(Contains(Words(report), "360 more steps"));
  ExpectGoodPage(report);
}

TEST(AnalyzePageTest, DecodesValuesAndDescribesMembers) {
  std::string records;
  for (int i = 0; i < 64; ++i) records += std::string("\xb4\x05", 2) + "\x01" + char(i % 4);
  const Report report = Analyze(records, Struct("mss:u16,ecn:bool,wscale:u8"));
  const std::string words = Words(report);
  EXPECT_TRUE(Contains(words, "`mss=1460 ecn=true wscale=0`")) << words;
  EXPECT_TRUE(Contains(words, "| mss | 1 | 0.00 | 4 | 0 | 2 | `u16` | constant |")) << words;
  EXPECT_TRUE(Contains(words, "struct "));
  ExpectGoodPage(report);
}

TEST(AnalyzePageTest, EstimatesAreMarked) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) absl::StrAppend(&text, i, ",", i / 2, "\n");
  Asked asked;
  asked.budget_bytes = 200'000;
  const Report report = Analyze(text, asked);
  ASSERT_FALSE(report.exact);
  const std::string words = Words(report);
  EXPECT_TRUE(Contains(words, " ± ")) << words;
  EXPECT_TRUE(Contains(words, "± marks an estimate"));
  EXPECT_TRUE(Head(report).find("\nAbout ") != std::string::npos ||
              Head(report).starts_with("About "));
  EXPECT_TRUE(Contains(words, "no: a sample of the values"));
  ExpectGoodPage(report);

  const std::string exact = Words(Analyze(Spoiled()));
  EXPECT_FALSE(Contains(exact, "±"));
  EXPECT_TRUE(Contains(exact, "yes: every value was counted"));
}

TEST(AnalyzePageTest, HugeNumbers) {
  Report report = Analyze(Spoiled());
  report.records = 1'000'000'000'000;
  report.distinct = 900'000'000'000;
  report.index_bits.reset();
  report.layout_input = {report.records, 65'536, report.distinct, report.records - 65'534};
  report.layouts = analysis::LayoutCosts(report.layout_input);
  report.copies_histogram = {{1, 1, report.distinct, report.distinct},
                             {uint64_t{1} << 36, (uint64_t{1} << 37) - 1, 1, uint64_t{1} << 36}};
  ExpectGoodPage(report);
  EXPECT_TRUE(Contains(Words(report), "1,000,000,000,000"));
}

analysis::Growth ExampleGrowth() {
  analysis::Growth growth;
  for (double records = 10; records < 4'000; records *= 2) {
    growth.points.push_back({records, 3 * std::pow(records, 0.5)});
  }
  growth.points.push_back({4'000, 190});
  growth.law = analysis::GrowthLaw{.fixed_values = 0, .factor = 3, .exponent = 0.5};
  growth.forecasts = {{.times = 2,
                       .records = 8'000,
                       .distinct = 268,
                       .distinct_low = 250,
                       .distinct_high = 290,
                       .index_bits = 9,
                       .index_bits_high = 9,
                       .overflow = {{9, 0}, {10, 0}, {11, 0}}},
                      {.times = 10,
                       .records = 40'000,
                       .distinct = 600,
                       .distinct_low = 400,
                       .distinct_high = 900,
                       .index_bits = 10,
                       .index_bits_high = 10,
                       .overflow = {{9, 0.75}, {10, 0.0001}, {11, 0}}}};
  return growth;
}

TEST(AnalyzePageTest, ShowsGrowthWithItsForecast) {
  Report report = Analyze(Spoiled(), Columns("cc,mss"));
  report.growth = {};
  EXPECT_FALSE(Has(report, "growth"));
  report.growth = ExampleGrowth();
  ASSERT_TRUE(Has(report, "growth"));
  EXPECT_FALSE(Has(report, "snapshots"));
  const std::string words = Words(report);
  EXPECT_TRUE(
      Contains(words, "3 bits today, 9 bits with 2 times the sockets, 10 bits with 10 times"))
      << words;
  EXPECT_TRUE(Contains(words, "| 19 of 20 times between | - | 250 and 290 | 400 and 900 |"))
      << words;
  EXPECT_TRUE(Contains(words, "| 9 bits are too few | no | 0 % | 75.0 % |")) << words;
  EXPECT_TRUE(Contains(words, "| 10 bits are too few | no | 0 % | \\< 0.1 % |")) << words;
  EXPECT_FALSE(Contains(words, "11 bits are too few")) << "none that is wider says more";
  const std::string html = page::FormatHtml(Page(report));
  EXPECT_TRUE(Contains(html, "class=\"area\"")) << "the interval is drawn";
  ExpectGoodPage(report);

  // Too few records for a law: points alone.
  report.growth.law.reset();
  report.growth.forecasts.clear();
  EXPECT_TRUE(Has(report, "growth"));
  EXPECT_FALSE(Contains(page::FormatHtml(Page(report)), "class=\"area\""));
  ExpectGoodPage(report);

  // A law that tends to a number, and an interval that reaches zero and beyond all bounds.
  report.growth.law = analysis::GrowthLaw{.fixed_values = 190, .factor = -500, .exponent = -1};
  report.growth.forecasts = {{.times = 10,
                              .records = 40'000,
                              .distinct = 190,
                              .distinct_low = 0,
                              .distinct_high = 1e300,
                              .index_bits = {},
                              .index_bits_high = {},
                              .overflow = {}}};
  ExpectGoodPage(report);
}

TEST(AnalyzePageTest, ShowsSnapshotsAndTheirChurn) {
  Report report = Analyze(Spoiled(), Columns("cc,mss"));
  report.growth = ExampleGrowth();
  report.growth.order = analysis::Growth::Order::kSnapshots;
  for (uint64_t i = 0; i < 500; ++i) {
    report.growth.snapshots.push_back(
        {absl::StrCat("<", i, ">"), 8, 6, i == 0 ? 6U : 1U, i == 0 ? 0U : 2U, 6 + i});
  }
  ASSERT_TRUE(Has(report, "snapshots"));
  const std::string words = Words(report);
  EXPECT_TRUE(Contains(words, "| 1: \\<0\\> | 8 | 6 | - | - | 6 |")) << words;
  EXPECT_TRUE(Contains(words, "| 500: \\<499\\> | 8 | 6 | 1 | 2 | 505 |")) << words;
  EXPECT_TRUE(Contains(words, "60 of 500 snapshots")) << words;
  EXPECT_TRUE(Contains(words, "Churn: 16.7 % of a snapshot's values were not in the one before it"))
      << words;
  EXPECT_TRUE(Contains(words, "at most the 505 values so far, 84.2x those of the last snapshot"));
  EXPECT_FALSE(Contains(words, "those of the last snapshot's records in random order"));
  ExpectGoodPage(report);
}

TEST(AnalyzePageTest, SaysWhichOrderTheForecastsSuppose) {
  Report report = Analyze(Spoiled(), Columns("cc,mss"));
  report.growth = ExampleGrowth();
  EXPECT_FALSE(Contains(Words(report), "in random order: ")) << Words(report);
  report.growth.order = analysis::Growth::Order::kSnapshots;
  report.growth.snapshots = {{"a", 4'000, 190, 190, 0, 190}, {"b", 4'000, 190, 0, 0, 190}};
  report.growth.within_last_snapshot = true;
  EXPECT_TRUE(Contains(
      Words(report), "The law and the forecasts use the last snapshot's records in random order"));
  ExpectGoodPage(report);
}

TEST(AnalyzePageTest, ShowsRandomOrderBesideThatOfTheInput) {
  Report report = Analyze(Spoiled(), Columns("cc,mss"));
  report.growth = ExampleGrowth();
  report.growth.order = analysis::Growth::Order::kInput;
  report.growth.random_order = report.growth.points;
  EXPECT_TRUE(Contains(Words(report), "The order matters little"));
  for (analysis::GrowthPoint& point : report.growth.random_order) {
    point.distinct = point.records < 4'000 ? 188 : 190;
  }
  const std::string words = Words(report);
  EXPECT_TRUE(Contains(words, "| distinct values in random order |")) << words;
  EXPECT_TRUE(Contains(words, " | 188 |")) << words;
  EXPECT_TRUE(Contains(words, "Either the input is sorted, or new values keep coming")) << words;
  const page::Document page = Page(report);
  const auto growth =
      std::find_if(page.sections.begin(), page.sections.end(),
                   [](const page::Section& section) { return section.id == "growth"; });
  ASSERT_NE(growth, page.sections.end());
  const auto& curve = std::get<page::LineChart>(*std::get<page::Figure>(growth->blocks[1]).chart);
  const auto line = std::find_if(curve.lines.begin(), curve.lines.end(), [](const auto& other) {
    return other.label == "in random order";
  });
  ASSERT_NE(line, curve.lines.end());
  ASSERT_EQ(line->points.size(), report.growth.points.size());
  EXPECT_EQ(line->points.front().y, 188);
  ExpectGoodPage(report);
  report.growth.law.reset();
  EXPECT_TRUE(Contains(Words(report), "The forecasts use the records in random order"));
}

TEST(AnalyzePageTest, SaysTheLaw) {
  Report report = Analyze(Spoiled(), Columns("cc,mss"));
  report.growth = ExampleGrowth();
  report.growth.law = analysis::GrowthLaw{.fixed_values = 2'900, .factor = 0, .exponent = 0};
  EXPECT_TRUE(Contains(Words(report), "Law: 2,900 values, however many records."));
  report.growth.law = analysis::GrowthLaw{.fixed_values = 1, .factor = 0, .exponent = 0};
  EXPECT_TRUE(Contains(Words(report), "Law: 1 value, however many records."));
}

// The law as the page has it, with its rounded numbers, gives the values beside it.
TEST(AnalyzePageTest, TheLawInWordsGivesItsValues) {
  using analysis::GrowthLaw;
  const double records = 5'524;
  for (const double exponent :
       {-8.0, -0.1834567, -0.01, -0.0011, -0.0009, -1e-6, 1e-6, 0.0005, 0.0012, 0.02, 0.5, 1.0}) {
    for (const double slope : {0.5, 30.0, 900.0}) {  // of the values, for e times the records
      GrowthLaw law{.exponent = exponent};
      law.factor = slope / exponent / std::pow(records, exponent);
      law.fixed_values = 339 - law.factor * std::pow(records, exponent);
      const std::string words = analysis::LawWords(law, records);
      double base = 0;
      double factor = 0;
      double last = 0;
      char sign = 0;
      const auto by_words = [&](double at) {
        if (std::sscanf(words.c_str(), "distinct = %lf %c %lf * records^%lf", &base, &sign, &factor,
                        &last) == 4) {
          return base + (sign == '-' ? -factor : factor) * std::pow(at, last);
        }
        if (std::sscanf(words.c_str(), "distinct = %lf %c %lf * ln(records / %lf)", &base, &sign,
                        &factor, &last) == 4) {
          return base + (sign == '-' ? -factor : factor) * std::log(at / last);
        }
        return -1.0;
      };
      EXPECT_NEAR(by_words(records) / 339, 1, 0.005) << words;
      EXPECT_NEAR(by_words(10 * records) / analysis::DistinctBy(law, 10 * records), 1, 0.005)
          << words;
    }
  }
}

TEST(AnalyzePageTest, DefinesEveryTermOfItsTables) {
  Report report = Analyze(Spoiled(), Columns("cc,mss,port"));
  report.growth = ExampleGrowth();
  report.growth.snapshots = {{"a", 1, 1, 1, 0, 1}};
  const page::Document page = Page(report);
  const auto terms =
      std::find_if(page.sections.begin(), page.sections.end(),
                   [](const page::Section& section) { return section.id == "terms"; });
  ASSERT_NE(terms, page.sections.end());
  std::vector<std::string> defined;
  for (const auto& [term, meaning] : std::get<page::Facts>(terms->blocks.front()).facts) {
    defined.push_back(term.Words());
    EXPECT_FALSE(meaning.empty()) << term.Words();
  }
  std::vector<std::string> needed = {"record",      "distinct values", "dedup ratio", "entropy",
                                     "index width", "copies",          "spoilers",    "break-even",
                                     "split",       "forecast",        "churn"};
  for (const analysis::LayoutCost& layout : report.layouts) needed.emplace_back(layout.name);
  for (const std::string& term : needed) {
    EXPECT_NE(std::find(defined.begin(), defined.end(), term), defined.end()) << term;
  }
}

}  // namespace
}  // namespace inlay::analyze_page
