// Inputs that people pipe into the command by mistake: none may pass a limit, and messages name
// their kind.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

// NOLINTNEXTLINE(misc-unused-using-decls): literals use it, which clang-tidy 14 misses
using std::string_literals::operator""s;

class WrongInputsTest : public InlayCommandTest {
 protected:
  Outcome Analyze(const std::string& content, const std::string& options = "") {
    return Inlay("analyze " + options + " " + files_.Write("input", content));
  }

  void ExpectRefused(const std::string& content, const std::string& message,
                     const std::string& options = "") {
    const Outcome outcome = Analyze(content, options);
    EXPECT_EQ(outcome.exit_code, 2) << content << outcome.out;
    EXPECT_NE(outcome.err.find(message), std::string::npos) << content << "\n" << outcome.err;
  }
};

// The file, and the kind in the message. Empty: the command prints a report if there is no limit.
const std::map<std::string, std::string> kMessages = {
    {"README.md", "Markdown"},
    {"blank_lines.txt", "nothing but blanks"},
    {"conntrack.txt", "without recognisable columns"},
    {"dmesg.txt", ""},
    {"empty_line.txt", "nothing but blanks"},
    {"error_line.txt", "Error: get map by id"},
    {"error_object.json", "get map by id"},
    {"flow_log.txt", "--delimiter blank"},
    {"ip_link.txt", ""},
    {"journal.txt", "without recognisable columns"},
    {"key_value.txt", "key=value"},
    {"kubectl_before_dump.txt", "a dump of bpftool from line 2 on"},
    {"maps_of_one_name.txt", "several maps of one name"},
    {"markdown_table.txt", "Markdown"},
    {"mysql_table.txt", "drawn with lines"},
    {"netstat.txt", ""},
    {"not_found.txt", "command not found"},
    {"one_object.json", "jq -c '.items[]'"},
    {"one_row.txt", "only one row"},
    {"one_word.txt", "no row has a delimiter"},
    {"prose.txt", "sentences may look the same"},
    {"proxy_error.txt", "HTML"},
    {"psql_table.txt", "drawn with lines"},
    {"ss.txt", "--bpf-maps"},
    {"tcpdump.txt", "every row starts with several words"},
    {"warning_before_dump.txt", "a dump of bpftool from line 2 on"},
    {"words.txt", "no row has a delimiter"},
};

TEST_F(WrongInputsTest, NoneOfThemPassesALimit) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kData + "/not_records")) {
    const std::string name = entry.path().filename().string();
    const auto expected = kMessages.find(name);
    ASSERT_NE(expected, kMessages.end()) << name;
    ++files;
    for (const char* limit : {"--max-distinct 1000000", "--min-ratio 1", "--max-index-bits 16"}) {
      const Outcome outcome =
          Inlay("analyze " + std::string(limit) + " - ", "< " + entry.path().string());
      EXPECT_EQ(outcome.exit_code, 2) << name << outcome.out;
      EXPECT_NE(outcome.err.find(expected->second), std::string::npos) << name << outcome.err;
    }
  }
  EXPECT_EQ(files, kMessages.size());
}

TEST_F(WrongInputsTest, FilesOfOtherProgramsAreNamed) {
  ExpectRefused("PAR1 rest of it PAR1", "Parquet");
  ExpectRefused("\xD4\xC3\xB2\xA1\x02\0\x04\0"s, "pcap");
  ExpectRefused("\x0A\x0D\x0D\x0A\x1C\0\0\0"s, "pcapng");
  ExpectRefused(
      "\xFD"
      "7zXZ\0\0\x04"s,
      "xz -dc");
  ExpectRefused("BZh91AY&SY\x01\x02", "bzip2 -dc");
  ExpectRefused("PK\x03\x04\x14\0"s, "unzip -p");
  ExpectRefused("SQLite format 3\0\x10\0"s, "sqlite3 -csv");
  ExpectRefused(
      "\x7F"
      "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04\0"s,
      "core dump");
  ExpectRefused(
      "\x7F"
      "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"s,
      "--btf");
  ExpectRefused("\xFF\xFEi\0d\0,\0p\0\n\0"s, "UTF-16");
  ExpectRefused("\xFF\xFEi\0d\0,\0p\0\n\0"s, "UTF-16", "--format csv");
  ExpectRefused("i\0d\0,\0p\0\n\0"s, "UTF-16LE");
  ExpectRefused("ustar", "no row has a delimiter", "--max-distinct 9");
  EXPECT_EQ(Analyze("PAR1,x\n1,2\n3,4\n", "--format csv --max-distinct 9").exit_code, 0);
}

TEST_F(WrongInputsTest, RawRecordsThatLookLikeSomethingElseAreADoubt) {
  const std::string pcap = "\xD4\xC3\xB2\xA1\x02\0\x04\0"s;
  EXPECT_EQ(Analyze(pcap, "--value-bytes 4").exit_code, 0);
  ExpectRefused(pcap, "use --format raw", "--value-bytes 4 --max-distinct 9");
  ExpectRefused("a,b\nc,d\ne,f\n", "lines of text", "--value-bytes 4 --max-distinct 9");
  EXPECT_EQ(Analyze(pcap, "--format raw --value-bytes 4 --max-distinct 9").exit_code, 0);
}

TEST_F(WrongInputsTest, SayingTheFormatIsAnAnswerToADoubt) {
  const std::string flow = kData + "/not_records/flow_log.txt";
  EXPECT_EQ(Inlay("analyze --max-distinct 9 --delimiter blank " + flow).exit_code, 0);
  EXPECT_EQ(Inlay("analyze --max-distinct 9 --columns protocol,action " + flow).exit_code, 0);
  EXPECT_EQ(Analyze("tcp\nudp\ntcp\n", "--max-distinct 9 --format csv").exit_code, 0);
  EXPECT_EQ(Analyze("tcp\nudp\ntcp\n").exit_code, 0);
  EXPECT_EQ(Analyze("a,b\nc,d\n", "--max-distinct 9").exit_code, 0);
}

TEST_F(WrongInputsTest, MarksAtTheStartAreSkippedAndOthersAreADoubt) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(Analyze(mark + "a,b\nc,d\n", "--max-distinct 9").exit_code, 0);
  const std::string zeek = "#separator \\x09\n#fields\ta\n#types\tint\n1\n";
  EXPECT_EQ(Analyze(mark + zeek, "--max-distinct 9").exit_code, 0);
  ExpectRefused("a,b\n" + mark + "a,b\n", "byte order mark", "--max-distinct 9");
}

TEST_F(WrongInputsTest, QuotesCanBeText) {
  const std::string lone = "k1,a\nk2,\"\nk3,b\nk4,\"\n";
  const Outcome outcome = Analyze(lone, "--no-quotes --json --format csv");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("\"records\": 4"), std::string::npos) << outcome.out.substr(0, 300);
}

TEST_F(WrongInputsTest, LogsOfZeekAreJoinedByName) {
  const std::string a = files_.Write(
      "a.log", "#separator \\x09\n#fields\tuid\tproto\n#types\tstring\tenum\nC\ttcp\n");
  const std::string b = files_.Write(
      "b.log",
      "#separator \\x09\n#fields\tnew\tproto\tuid\n#types\tint\tenum\tstring\n1\ttcp\tC\n");
  const std::string files = " " + a + " " + b;
  EXPECT_EQ(Inlay("analyze --max-distinct 1 --columns uid,proto" + files).exit_code, 0);
  ExpectFailure("analyze" + files, "b.log:2: #fields differs from that of the first header: 'new'");
  ExpectFailure("analyze --columns new" + files, "unknown column 'new'");
}

TEST_F(WrongInputsTest, MessagesAreHarmlessAndShort) {
  const Outcome escaped = Analyze("id\x1B[31m,b\n1,2\n", "--columns nosuch");
  EXPECT_EQ(escaped.exit_code, 2);
  EXPECT_EQ(escaped.err.find('\x1B'), std::string::npos) << escaped.err;
  std::string wide;
  for (int i = 0; i < 3000; ++i) wide += "column_number_" + std::to_string(i) + ",";
  const Outcome cut = Analyze(wide + "end\n", "--columns column_number_x");
  EXPECT_EQ(cut.exit_code, 2);
  EXPECT_LT(cut.err.size(), 2000U);
}

TEST_F(WrongInputsTest, NearNamesAreOffered) {
  ExpectFailure("analyse x", "did you mean 'analyze'?");
  ExpectFailure("analyze --colums 1 x", "did you mean '--columns'?");
  ExpectRefused("proto,b\n1,2\n", "did you mean 'proto'?", "--columns prot");
  ExpectFailure("analyze --format cvs x", "--format: there is no 'cvs'; did you mean 'csv'?");
  ExpectFailure("capture --map x --method fodl -o x", "there is no 'fodl'; did you mean 'fold'?");
  ExpectFailure("", "give a command: analyze");
  ExpectFailure("analyze --write-cost nan x", "--write-cost");
}

TEST_F(WrongInputsTest, StandardInputHasItsNameInMessages) {
  const struct {
    const char* input;
    const char* options;
  } kCases[] = {
      {"{}\n{}\n", ""},
      {"{\"a\":1}\n{\"a\":2}\n", "--columns b"},
      {"a,b\n1,2\n", "--header --columns c"},
      {"a,b\n1,2\n", "--snapshot-column 7"},
      {"a\n1\n", "--snapshot-column 1"},
      {"xx", "--value-bytes 4"},
      {"aaaa", "--value-bytes 4 --snapshot-column 1"},
  };
  for (const auto& wrong : kCases) {
    const std::string file = files_.Write("input", wrong.input);
    const Outcome outcome = Inlay("analyze " + std::string(wrong.options) + " -", "< " + file);
    EXPECT_EQ(outcome.exit_code, 2) << wrong.options;
    EXPECT_NE(outcome.err.find("standard input"), std::string::npos) << wrong.options << "\n"
                                                                     << outcome.err;
  }
}

TEST_F(WrongInputsTest, ANumberIsReadAsItIsWritten) {
  const std::string table = files_.Write("table.csv", "a,b\n1,2\n1,2\n3,4\n");
  for (const char* const number : {"010", "0x2", "-1", "+2", "2.0", "", "18446744073709551617",
                                   "99999999999999999999999", "nan", "2 "}) {
    ExpectFailure("analyze --max-distinct '" + std::string(number) + "' " + table,
                  "--max-distinct: invalid number '" + std::string(number) +
                      "': expected a whole number of 1 or more");
    ExpectFailure("analyze --threads '" + std::string(number) + "' " + table, "--threads: ");
    ExpectFailure("analyze --map-id '" + std::string(number) + "' " + table, "--map-id: ");
  }
  for (const char* const number : {"010", "0x10", "nan", "inf", "1e999", "-1", "+2", "2 ", ""}) {
    for (const char* const options :
         {"analyze x --min-ratio ", "analyze x --write-cost ", "capture --sockets -o x --follow ",
          "capture --sockets -o x --follow 1 --interval ", "collect --pinned x --every "}) {
      ExpectFailure(options + ("'" + std::string(number) + "'"),
                    "invalid number '" + std::string(number) + "': expected a number ");
    }
  }
  for (const char* const size : {"+32M", " 32M", "032M", "0x20M", "-32M", "32.5M", "32m", ""}) {
    ExpectFailure("analyze --memory '" + std::string(size) + "' " + table,
                  "--memory: invalid size '" + std::string(size) + "'");
  }
}

}  // namespace
}  // namespace inlay
