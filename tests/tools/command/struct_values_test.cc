// Reports on raw records with named fields: decoded values, padding, and combinations of options.

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/tools/full_text.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/next_steps.h"
#include "tools/analysis/report/report.h"
#include "tools/analysis/report/report_json.h"

namespace inlay::analysis {
namespace {

// 24 bytes, three of them padding after `ecn`.
struct Value {
  uint16_t mss;
  uint8_t ecn;
  char cc[13];
  uint8_t wscale;
  int32_t delta;
};
static_assert(sizeof(Value) == 24);
constexpr char kFields[] = "mss:u16,ecn:bool,cc:char[13],wscale:u8,delta:s32";

// Four values, each 25 times; with other padding every time if `dirty`.
std::string Records(bool dirty) {
  std::string records;
  for (int i = 0; i < 100; ++i) {
    Value value;
    std::memset(&value, dirty ? i / 4 : 0, sizeof(value));
    value.mss = static_cast<uint16_t>(i % 2 == 0 ? 1460 : 1400);
    value.ecn = 1;
    std::memset(value.cc, 0, sizeof(value.cc));
    std::memcpy(value.cc, "cubic", 5);
    value.wscale = 7;
    value.delta = i % 4 < 2 ? -1 : 5;
    records.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return records;
}

RecordOptions Named(const std::string& fields) {
  RecordOptions options;
  options.fields = fields;
  return options;
}

absl::StatusOr<Report> Analyzed(const std::string& content, const RecordOptions& options) {
  TemporaryFiles files;
  auto source = OpenRecords({files.Write("data", content)}, options);
  if (!source.ok()) return source.status();
  absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 2);
  if (!distinct.ok()) return distinct.status();
  return BuildReport((*source)->schema(), *distinct, 10, 2);
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(StructValuesTest, TopValuesAreDecoded) {
  const absl::StatusOr<Report> report = Analyzed(Records(false), Named(kFields));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->value_bytes, 24U);
  EXPECT_EQ(report->distinct, 4U);
  EXPECT_EQ(report->distinct_by_fields, 4U);
  const std::string text = FullText(*report);
  EXPECT_TRUE(Contains(text, " mss=1460 ecn=true cc=cubic wscale=7 delta=-1\n")) << text;
  EXPECT_TRUE(Contains(text, "\n mss 2 1.00 2 0 2 u16\n")) << text;
  EXPECT_TRUE(Contains(text, "\n padding 17-19 1 0.00 4 17 3 not known\n")) << text;
  EXPECT_FALSE(Contains(text, "distinct by fields")) << text;
  const auto json = nlohmann::ordered_json::parse(FormatJson(*report));
  EXPECT_EQ(json["distinct_by_fields"], 4);
  for (const auto& top : json["top"]) {
    EXPECT_EQ(top["value"].get<std::string>().size(), 48U) << "hexadecimal";
    EXPECT_EQ(top["fields"].size(), 5U);
    EXPECT_EQ(top["fields"]["cc"], "cubic");
    EXPECT_EQ(top["fields"]["ecn"], true);
    EXPECT_TRUE(top["fields"]["delta"] == -1 || top["fields"]["delta"] == 5);
  }
  EXPECT_EQ(json["fields"][4]["name"], "padding 17-19");
  EXPECT_EQ(json["fields"][4]["kind"], "padding");
  EXPECT_TRUE(json["fields"][4]["type"].is_null());
  EXPECT_EQ(json["fields"][2]["kind"], "text");
  EXPECT_EQ(json["fields"][2]["type"], "char[13]");
  EXPECT_EQ(json["fields"][2]["offset_bits"], 24);
  EXPECT_EQ(json["fields"][2]["size_bits"], 104);
}

TEST(StructValuesTest, PaddingThatDiffersIsTold) {
  const absl::StatusOr<Report> report = Analyzed(Records(true), Named(kFields));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->distinct, 100U);
  EXPECT_EQ(report->distinct_by_fields, 4U);
  const std::string text = FullText(*report);
  EXPECT_TRUE(Contains(text, "1.0x by bytes, 25x by fields.")) << text;
  EXPECT_TRUE(Contains(text, "padding that varies")) << text;
  EXPECT_TRUE(Contains(NextSteps(*report)[0], "100 instead of 4 values: zero the whole struct"));
  RecordOptions bytes;
  bytes.value_bytes = 24;
  const absl::StatusOr<Report> unknown = Analyzed(Records(true), bytes);
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->distinct_by_fields, std::nullopt);
  const auto json = nlohmann::json::parse(FormatJson(*unknown));
  EXPECT_TRUE(json["distinct_by_fields"].is_null());
  EXPECT_FALSE(json["top"][0].contains("fields"));
}

TEST(StructValuesTest, BitsOfOneByteAreToldApart) {
  const absl::StatusOr<Report> report =
      Analyzed(std::string("\x01\x02\x03\x11", 4), Named("low:u8:4,one:u8:1"));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->distinct_by_fields, 4U);
  const std::string text = FullText(*report);
  EXPECT_TRUE(Contains(text, "bits 0-3")) << text;
  EXPECT_TRUE(Contains(text, "bit 4")) << text;
  EXPECT_TRUE(Contains(text, "padding 0 bits 5-7")) << text;
}

// JSON has no number for them.
TEST(StructValuesTest, WhatIsNoFiniteNumberIsTextInJson) {
  std::string content;
  for (const float number :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), 1.5F,
        -0.0F, std::numeric_limits<float>::denorm_min()}) {
    const auto wide = static_cast<double>(number);
    content.append(reinterpret_cast<const char*>(&number), sizeof(number));
    content.append(reinterpret_cast<const char*>(&wide), sizeof(wide));
  }
  const absl::StatusOr<Report> report = Analyzed(content, Named("packed,f:float,d:double"));
  ASSERT_TRUE(report.ok()) << report.status();
  const nlohmann::json json = nlohmann::json::parse(FormatJson(*report));
  ASSERT_EQ(json["top"].size(), 7U);
  std::map<std::string, int> seen;
  for (const nlohmann::json& top : json["top"]) {
    EXPECT_EQ(top["fields"]["f"], top["fields"]["d"]);
    ++seen[top["fields"]["f"].dump()];
  }
  EXPECT_EQ(seen["\"nan\""], 2);
  EXPECT_EQ(seen["\"inf\""], 1);
  EXPECT_EQ(seen["\"-inf\""], 1);
  EXPECT_EQ(seen["1.5"], 1);
}

TEST(StructValuesTest, OptionsThatDoNotFitAreErrors) {
  const auto message = [](const RecordOptions& options) {
    return std::string(Analyzed("abcd", options).status().message());
  };
  RecordOptions options = Named("a:u32");
  options.value_bytes = 4;
  EXPECT_EQ(message(options), "");
  options.value_bytes = 8;
  EXPECT_EQ(message(options), "--fields: have 4 bytes, and --value-bytes says 8");
  options = Named("a:u32");
  options.columns = "1";
  EXPECT_EQ(message(options), "--fields is for raw records, not together with the options of text");
  options = Named("a:u32");
  options.format = RecordFormat::kCsv;
  EXPECT_EQ(message(options), "--fields is for raw records, not together with the options of text");
  options = Named("a:u32");
  options.btf_path = "file";
  EXPECT_EQ(message(options), "--fields and --btf both describe the values: give only one");
  options.fields = "";
  EXPECT_EQ(message(options), "--btf needs the name of the value's type: --type NAME");
  options.btf_path = "";
  options.type = "flow";
  EXPECT_EQ(message(options),
            "--type names a type of a file with BTF: give the file with --btf FILE");
  EXPECT_EQ(message(Named("a:u33")).find("--fields: item 1, 'a:u33', at character 1: unknown type"),
            0U);
}

}  // namespace
}  // namespace inlay::analysis
