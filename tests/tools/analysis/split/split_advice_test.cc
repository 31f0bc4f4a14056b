// The advice on real data, and its C structs checked by a C compiler.

#include "tools/analysis/split/split_advice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/analysis/report/analyzed_file.h"
#include "tests/tools/full_text.h"
#include "tests/tools/inlay_command.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/report.h"
#include "tools/analysis/report/report_json.h"
#include "tools/analysis/split/c_struct.h"

namespace inlay::analysis {
namespace {

// Whether the C compiler agrees that struct NAME has `bytes` bytes, for each of `sizes`.
void ExpectCompiles(const std::string& c_text,
                    const std::vector<std::pair<std::string, uint64_t>>& sizes) {
  TemporaryFiles files;
  std::string text = c_text;
  for (const auto& [name, bytes] : sizes) {
    text += "_Static_assert(sizeof(struct " + name + ") == " + std::to_string(bytes) + ", \"" +
            name + "\");\n";
  }
  const std::string path = files.Write("split.c", text);
  EXPECT_EQ(std::system(("cc -fsyntax-only -Wall -include linux/types.h " + path).c_str()), 0)
      << text;
}

void ExpectStructsCompile(const SplitAdvice& split, const std::string& name) {
  std::vector<std::pair<std::string, uint64_t>> sizes;
  for (const SharedGroup& group : split.shared) {
    sizes.emplace_back(group.struct_name, group.struct_bytes);
  }
  if (split.private_bytes > 0) sizes.emplace_back(name + "_private", split.private_bytes);
  ExpectCompiles(split.c_structs, sizes);
}

void ExpectSumsUp(const SplitAdvice& split, uint64_t records) {
  double sum = static_cast<double>(split.private_bytes + split.index_bytes);
  for (const SharedGroup& group : split.shared) {
    const auto sockets = static_cast<double>(records);
    sum += static_cast<double>(group.table_bytes) / sockets +
           split.write_cost * (1 + kNewValueWrites * static_cast<double>(group.distinct) / sockets);
  }
  EXPECT_NEAR(split.bytes_per_socket, sum, 1e-6);
  EXPECT_LE(split.bytes_per_socket, split.all_private_bytes);
  if (split.all_shared_bytes.has_value()) {
    EXPECT_LE(split.bytes_per_socket, *split.all_shared_bytes);
  }
}

// The columns of tests/data/tcp_info/PROJECTIONS.txt: the configured ones, not the counters.
const std::set<std::string> kSettings = {"c6",  "c7",  "c11", "c12", "c22", "c28",
                                         "c29", "c34", "c53", "c54", "c55"};
// Columns that every packet changes: times, rates, bytes and segments.
const std::set<std::string> kCounters = {"c18", "c20", "c24", "c25", "c33", "c35", "c36", "c37",
                                         "c38", "c40", "c41", "c42", "c43", "c44", "c47", "c49"};
TEST(SplitAdviceTest, SharesTheSettingsOfTcpAndKeepsTheCountersPrivate) {
  size_t measured = 0;
  for (const std::string& path :
       {std::string(INLAY_TEST_WORK_DIR "/snapshots.tsv"),
        std::string(INLAY_TEST_DATA_DIR "/tcp_info/last_per_socket.tsv")}) {
    SCOPED_TRACE(path);
    const Report report = AnalyzeFile(path);
    ASSERT_TRUE(report.split.has_value());
    const SplitAdvice& split = *report.split;
    ExpectSumsUp(split, report.records);
    ExpectStructsCompile(split, "value");
    const std::vector<std::string>& rest = split.private_rest.fields;
    const std::vector<std::string>& constants = split.constants.fields;
    std::set<std::string> shared;
    for (const SharedGroup& group : split.shared) {
      shared.insert(group.names.fields.begin(), group.names.fields.end());
    }
    EXPECT_EQ(shared.size() + rest.size() + constants.size(), 65U);
    for (const std::string& field : kCounters) {
      EXPECT_EQ(std::count(rest.begin(), rest.end(), field), 1) << field;
    }
    // Of 362 sockets alone, a setting of five values may not be worth an index.
    if (report.records > 10'000) {
      for (const std::string& field : kSettings) {
        const bool constant = std::count(constants.begin(), constants.end(), field) > 0;
        EXPECT_TRUE(constant || shared.contains(field)) << field;
      }
    }
    for (const FieldStatistics& field : report.fields) {
      if (field.distinct <= report.records / 2) continue;
      ++measured;
      EXPECT_EQ(std::count(rest.begin(), rest.end(), field.name), 1) << field.name;
    }
    EXPECT_LT(split.bytes_per_socket, 0.92 * split.all_private_bytes);
  }
  EXPECT_GT(measured, 0U);
}

TEST(SplitAdviceTest, StructsOfRandomMembersHaveTheSizesThatWereCounted) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::string text;
  std::vector<std::pair<std::string, uint64_t>> sizes;
  const std::vector<std::string> names = {"int", "a b",     "a.b", "x",  "1",
                                          "",    "default", "*/",  "f\n"};
  const std::vector<FieldKind> kinds = {FieldKind::kUnsigned, FieldKind::kSigned, FieldKind::kBool,
                                        FieldKind::kFloat,    FieldKind::kEnum,   FieldKind::kBytes,
                                        FieldKind::kText};
  const std::vector<std::string> types = {"",           "__be16",   "char[4]",      "enum a */ b",
                                          "struct x\n", "__u32[2]", "unsigned int", "_Bool"};
  for (int round = 0; round < 200; ++round) {
    std::vector<CMember> members;
    CStructSize size;
    for (size_t i = 0; i < 1 + random() % 12; ++i) {
      ValueField field{.name = names[random() % names.size()],
                       .kind = kinds[random() % kinds.size()],
                       .offset_bits = 0,
                       .size_bits = 8 * (1 + random() % 9),
                       .type_name = types[random() % types.size()]};
      if (random() % 3 == 0) {
        field.offset_bits = 8 * (random() % 10) + random() % 8;
        field.size_bits = 1 + random() % 64;
      }
      members.push_back({field.name, FormOfBytes(field)});
      size.Add(members.back().form);
    }
    const std::string name = "s" + std::to_string(round);
    text += CStructText(name, members);
    sizes.emplace_back(name, size.Bytes());
  }
  ExpectCompiles(text, sizes);
}

TEST(SplitAdviceTest, AnExampleInTextAndJson) {
  TemporaryFiles files;
  std::string content = "id\tname\tport\tzone\tproto\n";
  for (int i = 0; i < 1000; ++i) {
    const int kind = i * 7 % 3;
    content += std::to_string(i * 1'000'003) + "\t" + (kind == 0 ? "a\"b" : "longer name") + "\t" +
               std::to_string(443 + kind) + "\t" + std::to_string(-70'000 * kind) + "\ttcp\n";
  }
  RecordOptions options;
  options.header = true;
  SplitOptions split_options;
  split_options.struct_name = "peer";
  const Report report =
      AnalyzeFile(files.Write("data.tsv", content), options, 10, {.split = split_options});
  ASSERT_TRUE(report.split.has_value());
  ExpectSumsUp(*report.split, 1000);
  ExpectStructsCompile(*report.split, "peer");
  const nlohmann::json split = nlohmann::json::parse(FormatJson(report))["split"];
  EXPECT_EQ(split["shared"].size(), 1U);
  EXPECT_EQ(split["shared"][0]["fields"], (std::vector<std::string>{"name", "port", "zone"}));
  EXPECT_EQ(split["shared"][0]["distinct"], 3);
  EXPECT_EQ(split["shared"][0]["index_bits"], 3);
  EXPECT_EQ(split["private"], (std::vector<std::string>{"id"}));
  EXPECT_EQ(split["constants"], (std::vector<std::string>{"proto"}));
  EXPECT_EQ(split["method"], "exact");
  // An id of 4 bytes, an index of 2; the table has 3 values of 17 bytes, aligned to 20 and to 24.
  const double writes = 0.5 * (1 + kNewValueWrites * 3 / 1000);
  EXPECT_DOUBLE_EQ(split["bytes_per_socket"], 4 + 2 + (3 * (24 + 12) + 32 + 64) / 1000.0 + writes);
  EXPECT_DOUBLE_EQ(split["all_private_bytes_per_socket"], 24);
  const std::string text = FullText(report);
  for (const char* part :
       {"\nWhich fields to share\n", "\n all private 24.00 B one struct in every socket\n",
        "\n split 7.47 B no split costs less\n", " name, port, zone\n", "\n private rest 4 id\n",
        "\n constants 1 each proto\n",
        "\n struct peer_shared {\n \t__s32 zone;\n \t__u16 port;\n \tchar name[11];\n };\n",
        "\n struct peer_private {\n \t__u32 id;\n };\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(SplitAdviceTest, BytesWithoutNamesAreJoined) {
  TemporaryFiles files;
  std::string content;
  for (uint32_t i = 0; i < 2000; ++i) {
    content.append(reinterpret_cast<const char*>(&i), 4);
    content += i % 2 == 0 ? "abcdefgh" : "ABCDEFGH";
  }
  RecordOptions options;
  options.value_bytes = 12;
  const Report report = AnalyzeFile(files.Write("data", content), options);
  ASSERT_TRUE(report.split.has_value());
  ASSERT_EQ(report.split->shared.size(), 1U);
  EXPECT_EQ(report.split->shared[0].names.members,
            (std::vector<std::string>{"bytes 4-7", "bytes 8-11"}));
  EXPECT_GE(report.split->shared[0].names.fields.size(), 1U);
  EXPECT_EQ(report.split->private_rest.members, (std::vector<std::string>{"bytes 0-3"}));
  ExpectSumsUp(*report.split, report.records);
  ExpectStructsCompile(*report.split, "value");
}

TEST(SplitAdviceTest, PaddingCostsNothingAndIsNowhere) {
  RecordSchema schema;
  schema.value_bytes = 8;
  schema.fields = {
      {.name = "a", .kind = FieldKind::kUnsigned, .offset_bits = 0, .size_bits = 32},
      {.name = "hole", .kind = FieldKind::kPadding, .offset_bits = 32, .size_bits = 32}};
  ValueCounter counter;
  for (uint64_t i = 0; i < 100; ++i) {
    const uint64_t value = i << 32 | i * 3;
    counter.Add({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  const FieldCodes codes = EncodeFields(schema, counter.values(), 1);
  const auto split = AdviseSplit(schema, counter.values(), codes, {}, 1);
  ASSERT_TRUE(split.has_value());
  EXPECT_EQ(split->padding_fields, 1U);
  EXPECT_EQ(split->private_rest.fields, (std::vector<std::string>{"a"}));
  EXPECT_EQ(split->bytes_per_socket, 4);
  EXPECT_EQ(split->c_structs, "struct value_private {\n\t__u32 a;\n};\n");
}

TEST(SplitAdviceTest, OneFieldIsNotSplit) {
  TemporaryFiles files;
  const Report report = AnalyzeFile(files.Write("data", "a\nb\n"));
  EXPECT_FALSE(report.split.has_value());
  EXPECT_TRUE(nlohmann::json::parse(FormatJson(report))["split"].is_null());
  EXPECT_EQ(FullText(report).find("Which fields to share"), std::string::npos);
}

using SplitCommandTest = InlayCommandTest;

TEST_F(SplitCommandTest, Options) {
  const std::string path = kData + "/syn_options/syn.tsv";
  EXPECT_NE(Inlay("analyze --full " + path).out.find("Which fields to share"), std::string::npos);
  EXPECT_EQ(Inlay("analyze --full --no-split " + path).out.find("Which fields to share"),
            std::string::npos);
  EXPECT_TRUE(
      nlohmann::json::parse(Inlay("analyze --no-split --json " + path).out)["split"].is_null());
  EXPECT_NE(Inlay("analyze --full --struct-name syn " + path).out.find("struct syn_private {"),
            std::string::npos);
  const auto groups = [&](const std::string& options) {
    const std::string out = Inlay("analyze --json " + options + " " + path).out;
    return nlohmann::json::parse(out)["split"]["shared"].size();
  };
  EXPECT_GT(groups("--write-cost 0"), 0U);
  EXPECT_EQ(groups("--write-cost 1000"), 0U);
  EXPECT_EQ(Inlay("analyze --full --threads 1 " + path).out,
            Inlay("analyze --full --threads 2 " + path).out);
  ExpectFailure("analyze --write-cost -1 " + path, "--write-cost");
  ExpectFailure("analyze --write-cost x " + path, "--write-cost");
  ExpectFailure("analyze --struct-name 'a b' " + path,
                "--struct-name: 'a b' is not an identifier of C");
  ExpectFailure("analyze --struct-name int " + path, "'int' is not an identifier of C");
  ExpectFailure("analyze --struct-name x --no-split " + path, "--no-split");
}

}  // namespace
}  // namespace inlay::analysis
