#include "tools/analysis/report/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/analysis/report/analyzed_file.h"
#include "tests/tools/full_text.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/next_steps.h"
#include "tools/analysis/report/report_json.h"

namespace inlay::analysis {
namespace {

Report AnalyzeText(const std::string& content, const RecordOptions& options = {}, size_t top = 10) {
  TemporaryFiles files;
  return AnalyzeFile(files.Write("data", content), options, top);
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
  const Report report = AnalyzeText("a\nb\na\na\nc\nb\na\na\n");
  EXPECT_EQ(report.records, 8U);
  EXPECT_EQ(report.value_bytes, 1U);
  EXPECT_EQ(report.distinct, 3U);
  EXPECT_DOUBLE_EQ(report.dedup_ratio, 8 / 3.0);
  EXPECT_EQ(report.singletons, 1U);
  EXPECT_NEAR(report.entropy_bits, 5 / 8.0 * std::log2(8 / 5.0) + 2 / 8.0 * 2 + 1 / 8.0 * 3, 1e-12);
  EXPECT_EQ(report.index_bits, 3);
  EXPECT_EQ(report.rollout_distinct, 6U) << "old and new values while all of them change";
  EXPECT_EQ(report.rollout_index_bits, 3);
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
  const Report report = AnalyzeText(text);
  ASSERT_EQ(report.copies_histogram.size(), 2U);
  EXPECT_EQ(report.copies_histogram[1].copies_from, 64U);
  EXPECT_EQ(report.copies_histogram[1].copies_to, 127U);
}

TEST(ReportTest, OneValueHasNoEntropy) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "same,row\n";
  const Report report = AnalyzeText(text);
  EXPECT_EQ(report.entropy_bits, 0);
  EXPECT_FALSE(std::signbit(report.entropy_bits));
  EXPECT_EQ(report.distinct, 1U);
  EXPECT_EQ(report.index_bits, 2);
  EXPECT_EQ(report.singletons, 0U);
}

TEST(ReportTest, OneRecordAndEmptyValuesAreSane) {
  for (const char* text : {",\n", ",\n,\n", "\"\"\n"}) {
    const Report report = AnalyzeText(text);
    EXPECT_EQ(report.distinct, 1U);
    EXPECT_EQ(report.entropy_bits, 0);
    for (const std::string& text_or_json : {FullText(report), FormatJson(report)}) {
      EXPECT_FALSE(Contains(text_or_json, " nan")) << text_or_json;
      EXPECT_FALSE(Contains(text_or_json, " inf ")) << text_or_json;
    }
  }
  EXPECT_TRUE(Contains(FullText(AnalyzeText("\"\"\n\"\"\n")), "(empty)"));
}

TEST(ReportTest, DifferentValuesHaveTheEntropyOfTheirNumber) {
  std::string text;
  for (int i = 0; i < 70'000; ++i) text += std::to_string(i) + "\n";
  const Report report = AnalyzeText(text);
  EXPECT_NEAR(report.entropy_bits, std::log2(70'000), 1e-9);
  EXPECT_EQ(report.index_bits, std::nullopt);
  EXPECT_EQ(report.layout_input.spilled_sockets, 70'000U - 65'534);
  EXPECT_EQ(nlohmann::json::parse(FormatJson(report))["index_bits"], nullptr);
  const std::string listed = FullText(report);
  EXPECT_TRUE(Contains(listed, "4,466 sockets keep a private copy")) << listed;
}

TEST(ReportTest, AChangeOfAllValuesNeedsRoomForOldAndNewOnes) {
  const auto widths = [](int values) {
    std::string text;
    for (int i = 0; i < values; ++i) text += std::to_string(i) + "\n";
    const Report report = AnalyzeText(text);
    const auto json = nlohmann::json::parse(FormatJson(report));
    EXPECT_EQ(json["rollout"]["distinct"], 2 * values);
    EXPECT_EQ(json["rollout"]["index_bits"].is_null(), !report.rollout_index_bits.has_value());
    return std::pair(report.index_bits.value_or(0), report.rollout_index_bits.value_or(0));
  };
  EXPECT_EQ(widths(500), (std::pair{9, 10}));
  EXPECT_EQ(widths(511), (std::pair{10, 10}));
  EXPECT_EQ(widths(512), (std::pair{10, 11})) << "1,024 values, and 1,022 codes of 10 bits";
  EXPECT_EQ(widths(32'766), (std::pair{15, 16}));
  EXPECT_EQ(widths(32'768), (std::pair{16, 0})) << "65,536 values, and 65,534 codes of 16 bits";
}

TEST(ReportTest, TheMostFrequentValuesAreTheOnesThatKeepAnIndex) {
  std::string text;
  for (int i = 0; i < 70'000; ++i) {
    for (int copies = i < 68'000 ? 1 : 3; copies > 0; --copies) text += std::to_string(i) + "\n";
  }
  const Report report = AnalyzeText(text);
  EXPECT_EQ(report.distinct, 70'000U);
  EXPECT_EQ(report.layout_input.spilled_sockets, 70'000U - 65'534);
}

TEST(ReportTest, TiesAreBrokenByTheBytes) {
  const Report report = AnalyzeText("b\na\nc\n\xFF\nB\n", {}, 3);
  ASSERT_EQ(report.top.size(), 3U);
  EXPECT_EQ(report.top[0].text, "B");
  EXPECT_EQ(report.top[1].text, "a");
  EXPECT_EQ(report.top[2].text, "b");
  EXPECT_TRUE(AnalyzeText("a\n", {}, 0).top.empty());
}

TEST(ReportTest, RawRecordsAreShownInHexadecimalWithRangesOfBytesAsFields) {
  const Report report = AnalyzeText(std::string("\x00\xFFz\x01\xFFz\x02\xFFy", 9), Raw(3), 1);
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
  const Report report = AnalyzeText("\"Doe, J\",\"a \"\"b\"\"\"\n\"Doe, J\",x\n");
  EXPECT_EQ(report.top[0].text, "Doe, J,a \"b\"");
  EXPECT_EQ(report.value_bytes, 12U);
  EXPECT_EQ(report.fields[0].distinct, 1U);
  EXPECT_EQ(report.fields[1].distinct, 2U);
}

TEST(ReportTest, JsonHasExactlyTheDocumentedKeys) {
  RecordOptions options;
  options.header = true;
  const auto json =
      nlohmann::ordered_json::parse(FormatJson(AnalyzeText("n,v\n1,x\n1,x\n2,y\n", options)));
  const auto keys = [](const nlohmann::ordered_json& object) {
    std::string names;
    for (const auto& [key, value] : object.items()) names += key + " ";
    return names;
  };
  EXPECT_EQ(
      keys(json),
      "records value_bytes distinct distinct_by_fields dedup_ratio singletons entropy_bits "
      "exact errors index_bits rollout top copies_histogram fields_exact fields layouts spoilers "
      "spoiled_by split growth notes ");
  EXPECT_EQ(keys(json["top"][0]), "count count_error share value ");
  EXPECT_EQ(keys(json["copies_histogram"][0]), "copies_from copies_to values records ");
  EXPECT_EQ(keys(json["fields"][0]),
            "name offset bytes distinct entropy_bits distinct_without kind type offset_bits "
            "size_bits ");
  EXPECT_EQ(keys(json["layouts"][0]), "name bytes_per_socket total_bytes ");
  EXPECT_EQ(keys(json["spoilers"][0]), "fields distinct ");
  EXPECT_EQ(json["fields"][1]["name"], "v");
  EXPECT_TRUE(json["fields"][1]["offset"].is_null());
  EXPECT_TRUE(json["fields"][1]["bytes"].is_null());
  EXPECT_EQ(json["records"], 3);
  EXPECT_EQ(json["top"][0]["value"], "1,x");
}

TEST(ReportTest, JsonSurvivesTextThatIsNotUtf8) {
  const std::string text = FormatJson(AnalyzeText("\xFE\xFD\n"));
  EXPECT_EQ(nlohmann::json::parse(text)["top"][0]["value"], "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(ReportTest, ManyFieldsAreCutInTextAndWholeInJson) {
  RecordOptions options;
  for (int i = 0; i < 100; ++i) options.fields += (i == 0 ? "f" : ",f") + std::to_string(i) + ":u8";
  const Report report = AnalyzeText(std::string(200, 'x'), options);
  EXPECT_TRUE(Contains(FullText(report), "20 more; --json has them all"));
  EXPECT_EQ(nlohmann::json::parse(FormatJson(report))["fields"].size(), 100U);
}

// 60 records that differ in a and in c, each of which tells them apart without the other.
std::string TwoSpoilers() {
  std::string text = "a,b,c,d,e\n";
  for (int i = 0; i < 60; ++i) {
    const std::string number = std::to_string(i);
    text += number + ",x," + std::to_string(i * i) + "," + (i % 3 == 0 ? "y" : "z") + "," +
            (i % 2 == 0 ? "u" : "v") + "\n";
  }
  return text;
}

TEST(ReportTest, WhatSpoilsItInTextAndJson) {
  RecordOptions options;
  options.header = true;
  const Report report = AnalyzeText(TwoSpoilers(), options);
  EXPECT_EQ(report.joint_spoilers, 2U);
  const std::string text = FullText(report);
  for (const char* part :
       {"\n a 60 5.91 60 different in every record\n b 1 0.00 60 constant\n",
        "These 2 fields spoil it together: a and c. Without them 4 of 60 distinct values are left.",
        "\n left out distinct of all dedup ratio index width\n nothing 60 100.0 % 1.00 6 bits\n"
        " a 60 100.0 % 1.00 6 bits\n and c 4 6.7 % 15.00 3 bits\n"}) {
    EXPECT_TRUE(Contains(text, part)) << part << text;
  }
  const auto json = nlohmann::json::parse(FormatJson(report));
  EXPECT_EQ(json["spoiled_by"], (nlohmann::json{"a", "c"}));
  EXPECT_EQ(json["spoilers"][1], (nlohmann::json{{"fields", {"a", "c"}}, {"distinct", 4}}));
  EXPECT_EQ(json["spoilers"].size(), 4U);
  EXPECT_EQ(json["spoilers"][3]["distinct"], 1);
  EXPECT_EQ(json["exact"], true);
  EXPECT_EQ(json["fields"][4]["distinct_without"], 60);
  EXPECT_EQ(json["fields"][4]["entropy_bits"], 1.0);
}

TEST(ReportTest, TheOrderOfTheInputChangesNoDigit) {
  std::string forward;
  std::string backward;
  for (int i = 0; i < 3000; ++i) {
    const std::string row = std::to_string(i % 7 * i) + "," + std::to_string(i * i % 97) + "\n";
    forward += row;
    backward = row + backward;
  }
  EXPECT_EQ(FormatJson(AnalyzeText(forward)), FormatJson(AnalyzeText(backward)));
}

TEST(ReportTest, WhyNothingSpoilsIt) {
  EXPECT_FALSE(Contains(FullText(AnalyzeText("a\nb\nc\n")), "Which field spoils it"));
  EXPECT_FALSE(Contains(FullText(AnalyzeText("a,b\na,b\n")), "Which field spoils it"));
  std::string cheap;
  for (int i = 0; i < 10'000; ++i) cheap += std::to_string(i % 7) + ",x\n";
  EXPECT_TRUE(
      Contains(FullText(AnalyzeText(cheap + "8,y\n")), "Nothing is spoiled: with all fields"));
  std::string together;
  for (int i = 0; i < 30; ++i) together += std::to_string(i) + "," + std::to_string(i + 40) + "\n";
  const std::string listed = FullText(AnalyzeText(together));
  EXPECT_TRUE(Contains(listed, "No small set of fields spoils it")) << listed;
  RecordOptions header;
  header.header = true;
  const Report first = [&] {
    Report report = AnalyzeText(TwoSpoilers(), header);
    report.spoilers.steps.resize(1);
    report.joint_spoilers = JointSpoilers(report.codes, report.spoilers, report.layout_input);
    return report;
  }();
  EXPECT_TRUE(Contains(FullText(first),
                       "No field spoils it: even without this one, more than half of the values"));
}

TEST(NextStepsTest, SpoilersAreWhatToLeaveOut) {
  RecordOptions options;
  options.header = true;
  const std::vector<std::string> steps = NextSteps(AnalyzeText(TwoSpoilers(), options));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(
      steps[0],
      "No two values are equal, so nothing can be shared. Without a and c, 4 values are left, "
      "15.00 records each on average: --columns 2,4-5");
  std::string raw;
  for (int i = 0; i < 100; ++i) raw += {'k', static_cast<char>(i), static_cast<char>(i % 2)};
  EXPECT_TRUE(Contains(NextSteps(AnalyzeText(raw, Raw(3)))[0],
                       "Without byte 1, 2 values are left, 50.00 records each on average. "));
  std::string many;
  for (int i = 0; i < 70'000; ++i) many += std::to_string(i) + "," + std::to_string(i % 5) + "\n";
  EXPECT_TRUE(Contains(NextSteps(AnalyzeText(many)).back(), "Without c1, 3 bits name all values."));
}

TEST(NextStepsTest, DataThatDoesNotShareGetsAdvice) {
  std::string unique = "id,kind\n";
  for (int i = 0; i < 100; ++i) unique += std::to_string(i) + "," + (i % 2 == 0 ? "a" : "b") + "\n";
  const std::vector<std::string> steps = NextSteps(AnalyzeText(unique));
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_TRUE(Contains(steps[0], "--header"));
  EXPECT_TRUE(Contains(steps[1], "No two values are equal"));
  EXPECT_TRUE(Contains(steps[1], "--columns 2")) << steps[1];
  EXPECT_TRUE(NextSteps(AnalyzeText("a\na\na\n")).empty());
  EXPECT_EQ(NextSteps(AnalyzeText("a\n")).size(), 1U);
  EXPECT_TRUE(
      Contains(NextSteps(AnalyzeText("abcd", Raw(2)))[0], "Is --value-bytes 2 the true size"));
}

TEST(NextStepsTest, ColumnsAreListedAsTheOptionTakesThem) {
  EXPECT_EQ(ColumnList({0}), "1");
  EXPECT_EQ(ColumnList({0, 1, 2, 4, 6, 7}), "1-3,5,7-8");
}

}  // namespace
}  // namespace inlay::analysis
