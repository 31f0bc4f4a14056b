// Captures given to the command: whole, damaged, compressed, from a pipe, and with options that do
// not fit.

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/analysis/capture_file/capture_writing.h"
#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

using analysis::CaptureHeader;
using analysis::CaptureOf;
using analysis::FieldKind;
using analysis::PlainHeader;
using Json = nlohmann::json;

class AnalyzeCaptureTest : public InlayCommandTest {
 protected:
  static CaptureHeader Named(bool series = false) {
    CaptureHeader header = PlainHeader(4, series);
    header.provenance.host = "web1";
    header.schema.fields = {{.name = "mss",
                             .kind = FieldKind::kUnsigned,
                             .offset_bits = 0,
                             .size_bits = 16,
                             .type_name = "__u16"},
                            {.name = "state",
                             .kind = FieldKind::kEnum,
                             .offset_bits = 16,
                             .size_bits = 8,
                             .enum_names = std::make_shared<const std::map<int64_t, std::string>>(
                                 std::map<int64_t, std::string>{{1, "BUSY"}})}};
    return header;
  }
  static std::vector<std::string> Values() {
    const std::string busy("\xB4\x05\x01\x00", 4);
    const std::string idle("\x78\x05\x00\x00", 4);
    return {busy, idle, busy, busy};
  }
  std::string Whole() { return files_.Write("now.inlay", CaptureOf(Named(), {{1, Values()}})); }

  static std::string WithoutFiles(Json json) {
    json.erase("notes");
    return json.dump();
  }
};

TEST_F(AnalyzeCaptureTest, FieldsHaveTheirNamesWithoutHelp) {
  const Outcome outcome = Inlay("analyze --json " + Whole());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["records"], 4);
  EXPECT_EQ(json["distinct"], 2);
  EXPECT_EQ(json["top"][0]["fields"], Json::parse(R"({"mss":1460,"state":"BUSY"})"));
  EXPECT_EQ(json["fields"][0]["name"], "mss");
  EXPECT_EQ(json["fields"][0]["type"], "__u16");
  EXPECT_EQ(json["fields"][2]["kind"], "padding");
  ASSERT_EQ(json["notes"].size(), 1U);
  EXPECT_NE(
      json["notes"][0].get<std::string>().find("captured on web1 at 1970-01-01T00:00:00.000Z."),
      std::string::npos);
  EXPECT_EQ(Inlay("analyze " + Whole()).out.substr(0, 26), "Capture, values of 4 bytes");
}

TEST_F(AnalyzeCaptureTest, AllWaysOfReadingAreTheSame) {
  const std::string whole = Whole();
  const std::string expected = WithoutFiles(Json::parse(Inlay("analyze --json " + whole).out));
  const auto same = [&](const std::string& arguments, const std::string& input) {
    const Outcome outcome = Inlay("analyze --json " + arguments, input);
    ASSERT_EQ(outcome.exit_code, 0) << arguments << outcome.err;
    EXPECT_EQ(WithoutFiles(Json::parse(outcome.out)), expected) << arguments;
  };
  same("-", "< " + whole);
  {
    const Outcome piped = Shell("cat " + whole + " | '" + INLAY_COMMAND + "' analyze --json -");
    EXPECT_EQ(WithoutFiles(Json::parse(piped.out)), expected);
  }
  ASSERT_EQ(Shell("gzip -k " + whole + " && zstd -q " + whole).exit_code, 0);
  same(whole + ".gz", "");
  same(whole + ".zst", "");
  same("--format inlay " + whole, "");
  same("--value-bytes 4 " + whole, "");
  const std::string other = files_.Path("a name that tells nothing");
  ASSERT_EQ(Shell("cp " + whole + " '" + other + "'").exit_code, 0);
  same("'" + other + "'", "");
}

TEST_F(AnalyzeCaptureTest, OptionsThatContradictItAreRefused) {
  const std::string whole = Whole();
  ExpectFailure("analyze --value-bytes 5 " + whole,
                "is a capture of values of 4 bytes, and the options say 5");
  ExpectFailure("analyze --fields a:u32 " + whole,
                "is a capture that describes its own fields, and the options describe others: "
                "leave out --fields, or --btf and --type");
  ExpectFailure("analyze --fields a:u16 " + whole,
                "is a capture of values of 4 bytes, and the options say 2");
  ExpectFailure("analyze --columns 1 " + whole,
                "--columns, --header, --delimiter and --map-id are for text, not for a capture");
  ExpectFailure("analyze --map-id 1 " + whole, "are for text, not for a capture");
  // --format raw overrules detection.
  EXPECT_EQ(Inlay("analyze --format raw --value-bytes 1 " + whole).exit_code, 0);
}

TEST_F(AnalyzeCaptureTest, FieldsMayBeNamedWhereTheCaptureNamesNone) {
  const std::string path = files_.Write("now.inlay", CaptureOf(PlainHeader(4), {{1, Values()}}));
  const Outcome outcome = Inlay("analyze --json --fields mss:u16,state:u8 " + path);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Json::parse(outcome.out)["top"][0]["fields"], Json::parse(R"({"mss":1460,"state":1})"));
}

TEST_F(AnalyzeCaptureTest, FieldsMayBeNamedAsTheCaptureNamesThem) {
  CaptureHeader header = Named();
  header.schema.fields[1].kind = FieldKind::kUnsigned;
  const std::string path = files_.Write("now.inlay", CaptureOf(header, {{1, Values()}}));
  const Outcome same = Inlay("analyze --json --fields mss:u16,state:u8 " + path);
  ASSERT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(same.out, Inlay("analyze --json " + path).out);
  ExpectFailure("analyze --fields mss:u16,other:u8 " + path, "the options describe others");
}

TEST_F(AnalyzeCaptureTest, WhatIsMissingIsSaidAndTheRestIsReported) {
  std::string bytes = CaptureOf(Named(), {{1, Values(), false, "2 sockets were closed"}});
  bytes.resize(bytes.size() - 1);
  const std::string path = files_.Write("now.inlay", bytes);
  const Outcome outcome = Inlay("analyze --json " + path);
  EXPECT_EQ(outcome.exit_code, 0);
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["records"], 4);
  EXPECT_EQ(json["notes"].size(), 4U) << json["notes"];
  const std::string at = std::to_string(bytes.size() - 47);
  EXPECT_EQ(outcome.err, "inlay analyze: " + path +
                             ": the snapshot of 1970-01-01T00:00:00.000Z is partial: 2 "
                             "sockets were closed.\n"
                             "inlay analyze: " +
                             path + ": at byte " + at +
                             ": the last 47 bytes cannot be read: "
                             "the block that ends the capture is cut off or damaged.\n"
                             "inlay analyze: " +
                             path +
                             ": has no block that ends the capture: it was cut off, or "
                             "is still being written.\n");
  EXPECT_NE(Inlay("analyze " + path).out.find("is partial: 2 sockets were closed."),
            std::string::npos);
}

// A part of the sockets is not the whole: the command prints the report and judges no limit.
TEST_F(AnalyzeCaptureTest, NoLimitIsCheckedOnFiguresInDoubt) {
  const std::string path = files_.Write(
      "now.inlay", CaptureOf(Named(), {{1, Values(), false, "2 sockets were closed"}}));
  const std::string summary = path + ".summary";
  const std::string merged = path + ".merged";
  ASSERT_EQ(Inlay("analyze --summary " + summary + " " + path).exit_code, 0);
  ASSERT_EQ(Inlay("merge " + summary + " " + summary + " -o " + merged).exit_code, 0);
  for (const std::string& input : {path, summary, merged}) {
    EXPECT_EQ(Inlay("analyze " + input).exit_code, 0) << input;
    for (const char* limit : {"--max-distinct 100", "--max-distinct 1", "--min-ratio 1",
                              "--max-index-bits 16", "--fail-on-spoiler"}) {
      const Outcome outcome = Inlay("analyze " + std::string(limit) + " " + input);
      EXPECT_EQ(outcome.exit_code, 2) << limit << " " << input;
      EXPECT_NE(outcome.err.find("is partial: 2 sockets were closed."), std::string::npos)
          << outcome.err;
      EXPECT_NE(outcome.err.find("the limits cannot be checked: the figures are in doubt"),
                std::string::npos)
          << outcome.err;
      EXPECT_EQ(outcome.out, Inlay("analyze " + input).out);
    }
  }
}

TEST_F(AnalyzeCaptureTest, NothingIsReportedOfWhatCannotBeReadAtAll) {
  const std::string bytes = CaptureOf(Named(), {{1, Values()}});
  const auto blocks = analysis::BlocksOf(bytes);
  std::string no_records = bytes;
  no_records[blocks[4].offset + 50] ^= 1;
  const std::string path = files_.Write("now.inlay", no_records);
  ExpectFailure("analyze " + path, "no record can be read: " + path + ": at byte ");
  std::string no_description = bytes;
  no_description[blocks[0].offset] ^= 1;
  no_description[blocks[1].offset + 50] ^= 1;
  ExpectFailure("analyze " + files_.Write("now.inlay", no_description),
                "the block that describes its values is damaged or cut off");
  // With one of the two it is read, by its name.
  std::string one_description = bytes;
  one_description[0] ^= 1;
  EXPECT_EQ(Inlay("analyze " + files_.Write("now.inlay", one_description)).exit_code, 0);
  ExpectFailure("analyze " + files_.Write("text.inlay", "a,b\n"), "is not a capture");
}

TEST_F(AnalyzeCaptureTest, ACaptureOfNoSocketsSaysSo) {
  analysis::CaptureHeader header = Named();
  header.provenance.source = "sockets";
  ExpectFailure("analyze " + files_.Write("whole.inlay", CaptureOf(header, {{1, {}}})),
                "inlay analyze: no socket was captured\n");
  const std::string part = files_.Write(
      "part.inlay", CaptureOf(header, {{1, {}, false, "other processes are not seen"}}));
  ExpectFailure("analyze " + part, "no socket was captured: " + part + ": the snapshot of ");
  header.provenance.source = "map";
  ExpectFailure("analyze " + files_.Write("map.inlay", CaptureOf(header, {{1, {}}})),
                "the input has no record");
}

// Values of 64 bytes in 1,000 sockets, nine of them different: 18 while all change, 5 bits.
class MapToPasteTest : public AnalyzeCaptureTest {
 protected:
  MapToPasteTest() {
    header_.provenance.source = "map";
    header_.provenance.map_name = "policy.map";
    header_.provenance.map_type = "sk_storage";
    header_.provenance.value_type = "struct policy";
  }
  std::string Analyze(const std::string& flags = "", uint32_t distinct = 9) {
    std::vector<std::string> values;
    for (uint32_t i = 0; i < 1000; ++i) {
      values.emplace_back(64, '\0');
      const uint32_t number = i % distinct;
      std::memcpy(values.back().data(), &number, sizeof(number));
    }
    const Outcome outcome =
        Inlay("analyze " + flags + files_.Write("now.inlay", CaptureOf(header_, {{1, values}})));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  }
  static bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  CaptureHeader header_ = PlainHeader(64);
};

TEST_F(MapToPasteTest, IsTheEndOfTheReport) {
  const std::string line =
      "INLAY_MAP(policy_map, struct policy, 30, 27);  /* 5 bits of the mark, from bit 27 on */\n";
  for (const char* const flags : {"", "--full "}) {
    const std::string text = Analyze(flags);
    const size_t at = text.find(line);
    ASSERT_NE(at, std::string::npos) << text;
    EXPECT_EQ(text.find("=== ", at), std::string::npos);
    EXPECT_LT(text.size() - at, 300u) << text;
  }
}

TEST_F(MapToPasteTest, ATypeWithoutANameGetsOne) {
  header_.provenance.value_type = "";
  EXPECT_TRUE(Has(Analyze(), "INLAY_MAP(policy_map, struct policy_map_value, 30, 27);"));
}

TEST_F(MapToPasteTest, IsThereForAMapThatProgramsShareAlready) {
  header_.provenance.map_type = "inlay_map";
  const std::string text = Analyze();
  EXPECT_TRUE(Has(text, "INLAY_MAP(policy_map, struct policy, 30, 27);")) << text;
  EXPECT_TRUE(Has(text, "share the values of policy_map already")) << text;
  EXPECT_FALSE(Has(text, "In place of the socket storage")) << text;
}

TEST_F(MapToPasteTest, OnlyWhereSharingIsAdvised) {
  EXPECT_FALSE(Has(Analyze("", 1000), "INLAY_MAP"));
  header_.provenance.map_type = "hash";
  EXPECT_FALSE(Has(Analyze(), "INLAY_MAP"));
  header_.provenance = {};
  EXPECT_FALSE(Has(Analyze(), "INLAY_MAP"));
}

// inlay.bpf.h takes values of up to 512 bytes.
TEST_F(MapToPasteTest, OnlyForValuesThatAMapTakes) {
  const CaptureHeader small = header_;
  header_ = PlainHeader(516);
  header_.provenance = small.provenance;
  const std::vector<std::string> values(100, std::string(516, 'a'));
  const Outcome outcome =
      Inlay("analyze " + files_.Write("now.inlay", CaptureOf(header_, {{1, values}})));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_FALSE(Has(outcome.out, "INLAY_MAP"));
}

TEST_F(AnalyzeCaptureTest, ReplayTakesTheLastSnapshotOfASeries) {
  const std::string last = Values()[0];
  const std::string path = files_.Write(
      "now.inlay", CaptureOf(Named(true), {{1, Values()}, {2'000'000'000, {last, last, last}}}));
  const Outcome outcome = Inlay("replay " + path);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.substr(0, 33), "3 records of 4 bytes, 1 distinct,");
  EXPECT_EQ(outcome.err,
            "inlay replay: of 2 snapshots the last one is used, 1970-01-01T00:00:02.000Z\n");
  EXPECT_EQ(Inlay("replay --max-sockets 2 " + path).out.substr(0, 33),
            "2 records of 4 bytes, 1 distinct,");
  EXPECT_EQ(Inlay("replay " + files_.Write("one.inlay", CaptureOf(Named(), {{1, Values()}})))
                .out.substr(0, 33),
            "4 records of 4 bytes, 2 distinct,");
}

}  // namespace
}  // namespace inlay
