// Realistic inputs that are ambiguous or partly unreadable: never a silent wrong count, and with a
// limit never exit code 0.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

using Json = nlohmann::json;

class DoubtfulInputsTest : public InlayCommandTest {
 protected:
  // The report on `arguments`, which must succeed; with a limit it must not if `in_doubt`.
  Json Report(const std::string& arguments, bool in_doubt) {
    const Outcome outcome = Inlay("analyze --json " + arguments);
    EXPECT_EQ(outcome.exit_code, 0) << arguments << outcome.err;
    EXPECT_EQ(!outcome.err.empty(), in_doubt) << outcome.err;
    const Outcome limited = Inlay("analyze --max-distinct 1000000 " + arguments);
    EXPECT_EQ(limited.exit_code, in_doubt ? 2 : 0) << arguments << limited.err;
    return Json::parse(outcome.out, nullptr, false);
  }

  static bool HasNote(const Json& report, const std::string& text) {
    for (const Json& note : report["notes"]) {
      if (note.get<std::string>().find(text) != std::string::npos) return true;
    }
    return false;
  }

  const std::string dumps_ = kData + "/bpf_dumps/";
};

// One map, by its bytes and by its text: the same count, or the reason why not.
TEST_F(DoubtfulInputsTest, ADumpHasTheCountOfItsBytesOrTheReason) {
  const std::string map = dumps_ + "churned/conf_hash.rest.";
  const Json bytes = Report(map + "j", false);
  EXPECT_EQ(bytes["distinct"], 6);
  EXPECT_EQ(bytes["value_bytes"], 32);
  EXPECT_EQ(bytes["fields"].size(), 4U) << "and no field for the bytes";
  EXPECT_EQ(bytes["fields"][0]["name"], "limit");
  EXPECT_TRUE(HasNote(bytes, "bytes 14 and 22 differ where all fields are equal"));
  const Json text = Report(map + "plain", true);
  EXPECT_EQ(text["distinct"], 2);
  EXPECT_TRUE(HasNote(text, "bpftool cannot print 'ratio'"));

  // The output of jq 1.6 for 2^53 and 2^53 + 1.
  const std::string rounded =
      R"([{"key":["0x00"],"value":["0x00","0x00","0x00","0x00","0x00","0x00","0x20","0x00"],)"
      R"("formatted":{"key":0,"value":9007199254740992}},)"
      R"({"key":["0x01"],"value":["0x01","0x00","0x00","0x00","0x00","0x00","0x20","0x00"],)"
      R"("formatted":{"key":1,"value":9007199254740992}}])";
  const Json by_bytes = Report(files_.Write("rounded", rounded), false);
  EXPECT_EQ(by_bytes["distinct"], 2);
  EXPECT_TRUE(HasNote(by_bytes, "has rounded numbers above 2^53"));
  const Json by_text = Report(files_.Write("formatted", R"([{"key":0,"value":9007199254740992},)"
                                                        R"({"key":1,"value":9007199254740992}])"),
                              true);
  EXPECT_EQ(by_text["distinct"], 1);
  EXPECT_TRUE(HasNote(by_text, "look rounded"));
}

// A summary of such a dump keeps the bytes, and is added to others by them.
TEST_F(DoubtfulInputsTest, SummariesOfDumpsKeepTheBytes) {
  const std::string map = dumps_ + "churned/conf_hash.rest.j";
  const std::string summary = files_.Path("summary");
  ASSERT_EQ(Inlay("analyze --summary " + summary + " " + map).exit_code, 0);
  EXPECT_EQ(Inlay("analyze --json " + summary).out, Inlay("analyze --json " + map).out);
  EXPECT_EQ(Report(summary + " " + summary, false)["distinct"], 6);
  const Outcome replay = Inlay("replay " + map);
  EXPECT_EQ(replay.out.substr(0, 34), "6 records of 32 bytes, 6 distinct,") << replay.err;
}

TEST_F(DoubtfulInputsTest, EntriesThatCouldNotBeReadAreCounted) {
  const Json mixed = Report(files_.Write("mixed",
                                         "key:\n00 00 00 00\nvalue:\nOperation not permitted\n"
                                         "key: 02 00 00 00  value: 01 02\nFound 1 element\n"),
                            true);
  EXPECT_EQ(mixed["records"], 1);
  EXPECT_TRUE(HasNote(mixed, "1 entry has an error in place of the value"));
  const Json gone = Report(dumps_ + "churned/num_hash.churned.jp", false);
  EXPECT_TRUE(HasNote(gone, "1 entry was deleted while bpftool read the map"));
  ExpectFailure(
      "analyze " + dumps_ + "churned/stored.rest.plain",
      "no entry has a value: bpftool could not read any of them, 'No space left on device'");
  const Json member = Report(dumps_ + "churned/error_hash.rest.j", false);
  EXPECT_EQ(member["records"], 6);
  EXPECT_EQ(member["distinct"], 2);
}

TEST_F(DoubtfulInputsTest, AKeyThatOccursTwiceIsADoubt) {
  EXPECT_TRUE(HasNote(Report(dumps_ + "churned/plain_hash.churned.j", true),
                      "the key of an earlier entry"));
}

TEST_F(DoubtfulInputsTest, QuotesThatSwallowRowsAreADoubt) {
  const std::string rows =
      "k1,As,Xx,a\nk2,\",Yy,a\nk3,As,Zz,a\nk4,As,Zz,b\nk5,\",Yy,a\nk6,As,Zz,c\n";
  const Json report = Report(files_.Write("lone.csv", rows), true);
  EXPECT_EQ(report["records"], 3);
  EXPECT_TRUE(HasNote(report, "a cell that spans several lines"));
  EXPECT_TRUE(HasNote(Report(files_.Write("long.csv", "a,\"x\ny\"\nb,z\n"), false),
                      "1 cell runs over several lines"));
}

TEST_F(DoubtfulInputsTest, TwoColumnsOfOneNameAreToldApartByTheirNumbers) {
  const std::string table = files_.Write("t.csv", "id,port,port\n1,2,3\n4,2,5\n");
  ExpectFailure("analyze --columns port " + table,
                "the columns 2 and 3 are both called 'port': choose one by its number");
  ExpectFailure("analyze --snapshot-column port --header " + table, "choose one by its number");
  EXPECT_EQ(Report("--header --columns 2 " + table, false)["distinct"], 1);
}

// A variable of a script that is not set.
TEST_F(DoubtfulInputsTest, EmptyOptionsAreRefused) {
  const std::string table = files_.Write("t.csv", "1,2\n");
  for (const char* option : {"--columns", "--fields", "--btf", "--type", "--snapshot-column",
                             "--summary", "--html", "--delimiter", "--struct-name", "--memory"}) {
    ExpectFailure("analyze " + std::string(option) + " '' " + table, option);
  }
  ExpectFailure("merge -o '' " + table, "--output");
}

}  // namespace
}  // namespace inlay
