#include "tools/analysis/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/temporary_files.h"
#include "tools/analysis/next_steps.h"
#include "tools/analysis/open_records.h"
#include "tools/analysis/report_json.h"
#include "tools/analysis/report_text.h"

namespace inlay::analysis {
namespace {

Report Analyze(const std::string& content, const RecordOptions& options = {}, size_t top = 10) {
  TemporaryFiles files;
  auto source = OpenRecords({files.Write("data", content)}, options);
  EXPECT_TRUE(source.ok()) << source.status();
  absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 2);
  EXPECT_TRUE(distinct.ok()) << distinct.status();
  return BuildReport((*source)->schema(), *distinct, top, 2);
}

RecordOptions Raw(uint64_t value_bytes) {
  RecordOptions options;
  options.value_bytes = value_bytes;
  return options;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ReportTest, EveryNumberOfASmallExample) {
  // a, b, c occur 5, 2 and 1 times.
  const Report report = Analyze("a\nb\na\na\nc\nb\na\na\n");
  EXPECT_EQ(report.records, 8U);
  EXPECT_EQ(report.value_bytes, 1U);
  EXPECT_EQ(report.distinct, 3U);
  EXPECT_DOUBLE_EQ(report.dedup_ratio, 8 / 3.0);
  EXPECT_EQ(report.singletons, 1U);
  EXPECT_NEAR(report.entropy_bits, 5 / 8.0 * std::log2(8 / 5.0) + 2 / 8.0 * 2 + 1 / 8.0 * 3, 1e-12);
  EXPECT_EQ(report.index_bits, 3);
  ASSERT_EQ(report.top.size(), 3U);
  EXPECT_EQ(report.top[0].text, "a");
  EXPECT_EQ(report.top[0].count, 5U);
  EXPECT_DOUBLE_EQ(report.top[0].share, 5 / 8.0);
  ASSERT_EQ(report.copies_histogram.size(), 3U);
  EXPECT_EQ(report.copies_histogram[1].copies_from, 2U);
  EXPECT_EQ(report.copies_histogram[1].copies_to, 3U);
  EXPECT_EQ(report.copies_histogram[2].copies_from, 4U);
  EXPECT_EQ(report.copies_histogram[2].copies_to, 7U);
  EXPECT_EQ(report.copies_histogram[2].values, 1U);
  EXPECT_EQ(report.copies_histogram[2].records, 5U);
  EXPECT_EQ(report.layouts.size(), 5U);
}

TEST(ReportTest, EmptyBucketsAreLeftOut) {
  std::string text = "once\n";
  for (int i = 0; i < 64; ++i) text += "often\n";
  const Report report = Analyze(text);
  ASSERT_EQ(report.copies_histogram.size(), 2U);
  EXPECT_EQ(report.copies_histogram[1].copies_from, 64U);
  EXPECT_EQ(report.copies_histogram[1].copies_to, 127U);
}

TEST(ReportTest, OneValueHasNoEntropy) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "same,row\n";
  const Report report = Analyze(text);
  EXPECT_EQ(report.entropy_bits, 0);
  EXPECT_FALSE(std::signbit(report.entropy_bits));
  EXPECT_EQ(report.distinct, 1U);
  EXPECT_EQ(report.index_bits, 2);
  EXPECT_EQ(report.singletons, 0U);
}

TEST(ReportTest, OneRecordAndEmptyValuesAreSane) {
  for (const char* text : {"\n", "\n\n\n", ",\n", "\t"}) {
    const Report report = Analyze(text);
    EXPECT_EQ(report.distinct, 1U);
    EXPECT_EQ(report.entropy_bits, 0);
    for (const std::string& shown : {FormatText(report), FormatJson(report)}) {
      EXPECT_FALSE(Contains(shown, "nan")) << shown;
      EXPECT_FALSE(Contains(shown, "inf")) << shown;
    }
  }
  EXPECT_TRUE(Contains(FormatText(Analyze("\n\n")), "(empty)"));
  EXPECT_EQ(Analyze("\n").value_bytes, 0U);
}

TEST(ReportTest, DifferentValuesHaveTheEntropyOfTheirNumber) {
  std::string text;
  for (int i = 0; i < 70'000; ++i) text += std::to_string(i) + "\n";
  const Report report = Analyze(text);
  EXPECT_NEAR(report.entropy_bits, std::log2(70'000), 1e-9);
  EXPECT_EQ(report.index_bits, std::nullopt);
  EXPECT_EQ(report.layout_input.spilled_sockets, 70'000U - 65'534);
  EXPECT_EQ(nlohmann::json::parse(FormatJson(report))["index_bits"], nullptr);
  const std::string shown = FormatText(report);
  EXPECT_TRUE(Contains(shown, "4,466 sockets keep a private copy")) << shown;
}

TEST(ReportTest, TheMostFrequentValuesAreTheOnesThatKeepAnIndex) {
  std::string text;
  for (int i = 0; i < 70'000; ++i) {
    for (int copies = i < 68'000 ? 1 : 3; copies > 0; --copies) text += std::to_string(i) + "\n";
  }
  const Report report = Analyze(text);
  EXPECT_EQ(report.distinct, 70'000U);
  EXPECT_EQ(report.layout_input.spilled_sockets, 70'000U - 65'534);
}

TEST(ReportTest, TiesAreBrokenByTheBytes) {
  const Report report = Analyze("b\na\nc\n\xFF\nB\n", {}, 3);
  ASSERT_EQ(report.top.size(), 3U);
  EXPECT_EQ(report.top[0].text, "B");
  EXPECT_EQ(report.top[1].text, "a");
  EXPECT_EQ(report.top[2].text, "b");
  EXPECT_TRUE(Analyze("a\n", {}, 0).top.empty());
}

TEST(ReportTest, RawRecordsAreShownInHexadecimalWithEveryByteAsAField) {
  const Report report = Analyze(std::string("\x00\xFFz\x01\xFFz\x02\xFFy", 9), Raw(3), 1);
  EXPECT_EQ(report.value_bytes, 3U);
  EXPECT_EQ(report.top[0].text, "00ff7a");
  ASSERT_EQ(report.fields.size(), 3U);
  EXPECT_EQ(report.fields[0].distinct, 3U);
  EXPECT_EQ(report.fields[1].distinct, 1U);
  EXPECT_EQ(report.fields[2].distinct, 2U);
  EXPECT_EQ(report.fields[2].name, "byte 2");
  EXPECT_EQ(report.fields[2].offset, 2U);
  EXPECT_EQ(report.fields[2].bytes, 1U);
}

TEST(ReportTest, TextIsShownWithoutItsQuotes) {
  const Report report = Analyze("\"Doe, J\",\"a \"\"b\"\"\"\n\"Doe, J\",x\n");
  EXPECT_EQ(report.top[0].text, "Doe, J,a \"b\"");
  EXPECT_EQ(report.value_bytes, 12U);
  EXPECT_EQ(report.fields[0].distinct, 1U);
  EXPECT_EQ(report.fields[1].distinct, 2U);
}

TEST(ReportTest, JsonHasExactlyTheDocumentedKeys) {
  RecordOptions options;
  options.header = true;
  const auto json =
      nlohmann::ordered_json::parse(FormatJson(Analyze("n,v\n1,x\n1,x\n2,y\n", options)));
  const auto keys = [](const nlohmann::ordered_json& object) {
    std::string names;
    for (const auto& [key, value] : object.items()) names += key + " ";
    return names;
  };
  EXPECT_EQ(keys(json),
            "records value_bytes distinct dedup_ratio singletons entropy_bits index_bits top "
            "copies_histogram fields layouts split ");
  EXPECT_EQ(keys(json["top"][0]), "count share value ");
  EXPECT_EQ(keys(json["copies_histogram"][0]), "copies_from copies_to values records ");
  EXPECT_EQ(keys(json["fields"][0]), "name offset bytes distinct ");
  EXPECT_EQ(keys(json["layouts"][0]), "name bytes_per_socket total_bytes ");
  EXPECT_EQ(json["fields"][1]["name"], "v");
  EXPECT_TRUE(json["fields"][1]["offset"].is_null());
  EXPECT_TRUE(json["fields"][1]["bytes"].is_null());
  EXPECT_EQ(json["records"], 3);
  EXPECT_EQ(json["top"][0]["value"], "1,x");
}

TEST(ReportTest, JsonSurvivesTextThatIsNotUtf8) {
  const std::string text = FormatJson(Analyze("\xFF\xFE\n"));
  EXPECT_EQ(nlohmann::json::parse(text)["top"][0]["value"], "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(ReportTest, ManyFieldsAreCutInTextAndWholeInJson) {
  const Report report = Analyze(std::string(2000, 'x'), Raw(1000));
  EXPECT_TRUE(Contains(FormatText(report), "488 more bytes; --json has them all"));
  EXPECT_EQ(nlohmann::json::parse(FormatJson(report))["fields"].size(), 1000U);
}

TEST(NextStepsTest, DataThatDoesNotShareGetsAdvice) {
  std::string unique = "id,kind\n";
  for (int i = 0; i < 100; ++i) unique += std::to_string(i) + "," + (i % 2 == 0 ? "a" : "b") + "\n";
  const std::vector<std::string> steps = NextSteps(Analyze(unique));
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_TRUE(Contains(steps[0], "--header"));
  EXPECT_TRUE(Contains(steps[1], "No two values are equal"));
  EXPECT_TRUE(Contains(steps[1], "--columns 2")) << steps[1];
  EXPECT_TRUE(NextSteps(Analyze("a\na\na\n")).empty());
  EXPECT_EQ(NextSteps(Analyze("a\n")).size(), 1U);
  EXPECT_TRUE(Contains(NextSteps(Analyze("abcd", Raw(2)))[0], "Is --value-bytes 2 the true size"));
}

TEST(NextStepsTest, ColumnsAreListedAsTheOptionTakesThem) {
  EXPECT_EQ(ColumnList({0}), "1");
  EXPECT_EQ(ColumnList({0, 1, 2, 4, 6, 7}), "1-3,5,7-8");
}

}  // namespace
}  // namespace inlay::analysis
