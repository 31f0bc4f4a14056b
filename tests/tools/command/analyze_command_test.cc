// Runs the built command: exit codes, streams and messages.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/tools/full_text.h"
#include "tests/tools/inlay_command.h"
#include "tests/tools/pages/well_formed.h"

namespace inlay {
namespace {

using AnalyzeCommandTest = InlayCommandTest;

TEST_F(AnalyzeCommandTest, PrintsAReportAndNothingElse) {
  const Outcome outcome = Inlay("analyze --full --columns 5-9 " + kData + "/syn_options/syn.tsv");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  const std::string text = OneBlankEach(outcome.out);
  for (const char* part :
       {"TSV, 5 of 13 columns, 5,524 records.\n", "\n339 distinct values in 5,524 records: 9 bits.",
        "\n 358 6.5 % 1\t64240\t1460\t8\t0402\n", "\n 512 to 1,023 3 0.9 % 1,571 28.4 %\n",
        "\n c6 106 4.05 177\n", "a 9-bit index of the one copy"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST_F(AnalyzeCommandTest, PrintsJson) {
  const Outcome outcome = Inlay("analyze --json --top 2 --value-bytes 224 " + kData +
                                "/tcp_info/snapshots.tcp_info.bin");
  EXPECT_EQ(outcome.exit_code, 0);
  const nlohmann::json json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["records"], 10'429);
  EXPECT_EQ(json["value_bytes"], 224);
  EXPECT_EQ(json["top"].size(), 2U);
  uint64_t bytes = 0;
  for (const auto& field : json["fields"]) {
    EXPECT_EQ(field["offset"], bytes);
    bytes += field["bytes"].get<uint64_t>();
  }
  EXPECT_EQ(bytes, 224U) << "ranges cover every byte once";
}

TEST_F(AnalyzeCommandTest, ReadsStandardInputAndSeveralFiles) {
  const std::string path = kData + "/syn_options/syn.tsv";
  const std::string separate = Inlay("analyze --no-split --json " + path + " " + path).out;
  EXPECT_EQ(nlohmann::json::parse(separate)["records"], 2 * 5'524);
  EXPECT_EQ(Inlay("analyze --no-split --json - " + path, "< " + path).out, separate);
  const std::string command = "'" + std::string(INLAY_COMMAND) + "' analyze --no-split --json";
  EXPECT_EQ(Shell("cat " + path + " " + path + " | " + command + " -").out, separate);
  const std::string raw = kData + "/tcp_info/snapshots.tcp_info.bin";
  EXPECT_EQ(Shell("cat " + raw + " | " + command + " --value-bytes 224 -").out,
            Shell(command + " --value-bytes 224 " + raw).out);
}

TEST_F(AnalyzeCommandTest, ReadsCompressedFilesAndPipes) {
  const std::string plain = kWork + "/ip_country.csv";
  const std::string gzip = kData + "/ip_country/ip_country.csv.gz";
  const std::string arguments = "analyze --json --columns 3 ";
  const std::string expected = Inlay(arguments + plain).out;
  EXPECT_EQ(nlohmann::json::parse(expected)["records"], 334'373);
  EXPECT_EQ(Inlay(arguments + gzip).out, expected);
  EXPECT_EQ(Inlay(arguments + "-", "< " + gzip).out, expected);
  EXPECT_EQ(Shell("cat " + gzip + " | '" + std::string(INLAY_COMMAND) + "' " + arguments + "-").out,
            expected);
  const std::string cut = files_.Path("cut.gz");
  ASSERT_EQ(Shell("head -c 100000 " + gzip + " > " + cut).exit_code, 0);
  ExpectFailure("analyze " + cut, cut + ": gzip: the stream is cut off, after ");
  ExpectFailure("analyze -", "standard input: gzip: the stream is cut off, after ", "< " + cut);
  ExpectFailure("analyze --value-bytes 1 " + files_.Write("fake.gz", "a"), "its name says gzip");
}

TEST_F(AnalyzeCommandTest, ReadsZeekLogs) {
  const std::string log = kData + "/zeek/conn.log";
  const Outcome outcome = Inlay("analyze --full --columns proto,conn_state " + log);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("Zeek log, 2 of 21 columns, 21 records.\n"), 0U) << outcome.out;
  EXPECT_NE(outcome.out.find("\n  proto "), std::string::npos) << outcome.out;
  EXPECT_EQ(Inlay("analyze --full --format zeek --columns proto,conn_state " + log).out,
            outcome.out);
  EXPECT_EQ(Shell("gzip -c " + log + " | '" + std::string(INLAY_COMMAND) +
                  "' analyze --full --columns proto,conn_state -")
                .out,
            outcome.out);
  const std::string table = files_.Write("table.csv", "a,b\n");
  ExpectFailure("analyze " + table + " " + log, log + ": looks like a Zeek log, and " + table +
                                                    " like CSV; the files of one data " +
                                                    "set must be of one kind");
  ExpectFailure("analyze --format zeek " + table, table + ":1: is not a Zeek log");
  ExpectFailure("analyze --columns nope " + log, log + ":1: unknown column 'nope'");
}

TEST_F(AnalyzeCommandTest, EveryThreadCountPrintsTheSame) {
  const std::string arguments = "analyze --columns 3 " + kWork + "/ip_country.csv --threads ";
  const Outcome one = Inlay(arguments + "1");
  EXPECT_EQ(one.exit_code, 0);
  for (const char* threads : {"0", "2", "7"}) EXPECT_EQ(Inlay(arguments + threads).out, one.out);
}

TEST_F(AnalyzeCommandTest, FormatsCanBeForced) {
  const std::string path = files_.Write("odd", "a;b\tc\n\"x;y\";z\tw\n");
  const auto fields = [&](const std::string& options) {
    const Outcome outcome = Inlay("analyze --json " + options + " " + path);
    return outcome.exit_code == 0
               ? std::to_string(nlohmann::json::parse(outcome.out)["fields"].size())
               : outcome.err.substr(outcome.err.rfind(':'));
  };
  EXPECT_EQ(fields("--format tsv"), "2");
  EXPECT_EQ(fields("--format csv"), ": text after the closing quote of a cell\n");
  EXPECT_EQ(fields("--format csv --delimiter ';'"), "2");
  EXPECT_EQ(fields("--delimiter ';'"), "2");
  EXPECT_EQ(fields("--delimiter tab"), "2");
  EXPECT_EQ(fields("--format csv --delimiter '\\t'"), ": text after the closing quote of a cell\n");
  EXPECT_EQ(fields("--format raw --fields a:u8,b:u8,c:u16"), "3");
}

TEST_F(AnalyzeCommandTest, ReadsDumpsOfBpfMaps) {
  const std::string dumps = kData + "/bpf_dumps/";
  const Outcome typed = Inlay("analyze --full " + dumps + "conf_map.btf.j.json");
  EXPECT_EQ(typed.exit_code, 0);
  EXPECT_EQ(typed.out.find("Dump of bpftool, whole rows of 36 columns, "), 0U) << typed.out;
  EXPECT_NE(typed.out.find("88 B"), std::string::npos) << typed.out;
  const Outcome bytes = Inlay("analyze --format bpftool " + dumps + "nobtf4.plain.txt");
  EXPECT_EQ(bytes.out.find("Dump of bpftool, values of 8 bytes, "), 0U) << bytes.out;
  const Outcome ss = Inlay("analyze --json --map-id 136 " + dumps + "ss_bpf-maps.txt");
  const nlohmann::json json = nlohmann::json::parse(ss.out);
  EXPECT_EQ(json["records"], 8);
  EXPECT_EQ(json["distinct"], 2);
  EXPECT_EQ(json["notes"].size(), 2U);
  const std::string iterator = "analyze --json --value-bytes 88 " + dumps + "sk_map.iter.bin";
  EXPECT_EQ(nlohmann::json::parse(Inlay(iterator).out)["distinct"], 2);
  ExpectFailure("analyze " + dumps + "sk_map.dump.stdout", "which it cannot read");
  ExpectFailure("analyze --header " + dumps + "nobtf4.j.json", "not for dumps");
  ExpectFailure("analyze --format ss --value-bytes 8 " + dumps + "ss_bpf-maps.txt",
                "--value-bytes is for raw records");
  ExpectFailure("analyze --format csv --map-id 1 " + dumps + "ss_bpf-maps.txt",
                "--map-id is for the output of ss");
}

TEST_F(AnalyzeCommandTest, HelpAndVersionSucceed) {
  EXPECT_EQ(Inlay("--help").exit_code, 0);
  EXPECT_EQ(Inlay("--version").exit_code, 0);
  EXPECT_EQ(Inlay("--version").out.find("inlay "), 0U);
  const Outcome help = Inlay("analyze --help");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* option : {"--format",
                             "--value-bytes",
                             "--fields",
                             "--btf",
                             "--type",
                             "--columns",
                             "--header",
                             "--no-header",
                             "--delimiter",
                             "--top",
                             "--json",
                             "--threads",
                             "--spoilers",
                             "--max-distinct",
                             "--min-ratio",
                             "--max-index-bits",
                             "--fail-on-spoiler",
                             "--memory",
                             "--summary",
                             "Exit codes",
                             "3 a limit is broken"}) {
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  }
}

TEST_F(AnalyzeCommandTest, LimitsAreKeptOrBrokenWithExitCodeThree) {
  const std::string syn = kData + "/syn_options/syn.tsv";
  const std::string report = Inlay("analyze --columns 5-9 " + syn).out;
  const Outcome kept =
      Inlay("analyze --max-distinct 339 --min-ratio 16.2 --max-index-bits 9 --columns 5-9 " + syn);
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_EQ(kept.err, "");
  EXPECT_EQ(kept.out, report);
  const Outcome broken =
      Inlay("analyze --max-distinct 338 --min-ratio 16.5 --max-index-bits 8 --columns 5-9 " + syn);
  EXPECT_EQ(broken.exit_code, 3);
  EXPECT_EQ(broken.out, report);
  EXPECT_EQ(broken.err,
            "inlay analyze: --max-distinct 338: 339 values are distinct\n"
            "inlay analyze: --min-ratio 16.5: the dedup ratio is 16.29498525073746 (5524 records, "
            "339 distinct values)\n"
            "inlay analyze: --max-index-bits 8: the index needs 9 bits for 339 distinct values\n");
  const Outcome too_many = Inlay("analyze --max-index-bits 16 " + kWork + "/ip_country.csv");
  EXPECT_EQ(too_many.exit_code, 3);
  EXPECT_EQ(too_many.err,
            "inlay analyze: --max-index-bits 16: no index of 16 bits or less is wide enough for "
            "334373 distinct values\n");
  EXPECT_NE(too_many.out, "");
}

TEST_F(AnalyzeCommandTest, ASpoilerCanFail) {
  const std::string syn = kData + "/syn_options/syn.tsv";
  const Outcome spoiled = Inlay("analyze --json --fail-on-spoiler " + syn);
  EXPECT_EQ(spoiled.exit_code, 3);
  EXPECT_EQ(spoiled.err,
            "inlay analyze: --fail-on-spoiler: without c12, c10 and c11, 951 of 5196 distinct "
            "values are left\n");
  EXPECT_EQ(nlohmann::json::parse(spoiled.out)["spoiled_by"],
            (nlohmann::json{"c12", "c10", "c11"}));
  EXPECT_EQ(Inlay("analyze --fail-on-spoiler --spoilers 1 " + syn).exit_code, 0);
  EXPECT_EQ(Inlay("analyze --fail-on-spoiler " + files_.Write("same", "a,b\na,b\n")).exit_code, 0);
  const auto steps = [&](const std::string& count) {
    return nlohmann::json::parse(
               Inlay("analyze --json --spoilers " + count + " " + syn).out)["spoilers"]
        .size();
  };
  EXPECT_EQ(steps("0"), 0U);
  EXPECT_EQ(steps("3"), 3U);
  EXPECT_EQ(steps("65536"), 13U);
}

TEST_F(AnalyzeCommandTest, ASplitThatIsLeftOutIsMentioned) {
  std::string rows;
  for (int i = 0; i < 300'000; ++i) rows += std::to_string(i) + ",a,b,c\n";
  const std::string path = files_.Write("large.csv", rows);
  const auto full = [&](const std::string& options) {
    std::string text = Inlay("analyze --full " + options + " " + path).out;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  };
  EXPECT_NE(full("").find("Left out, since the search takes long for 300,000 values of 4 fields. "
                          "--split runs it anyway."),
            std::string::npos);
  EXPECT_EQ(full("--no-split").find("Left out"), std::string::npos);
  EXPECT_EQ(full("--columns 1").find("Left out"), std::string::npos);
  const std::string with = full("--split");
  EXPECT_EQ(with.find("Left out"), std::string::npos);
  EXPECT_NE(with.find("Which fields to share"), std::string::npos);
  EXPECT_NE(full("--memory 16M --split").find("Left out: the search needs all distinct values"),
            std::string::npos);
}

// A screenful without --full, everything with it; colours on a terminal, unless turned off.
TEST_F(AnalyzeCommandTest, TheAnswerComesFirst) {
  const std::string syn = kData + "/syn_options/syn.tsv";
  const std::string brief = Inlay("analyze --columns 5-9 " + syn).out;
  EXPECT_EQ(brief.find("TSV, 5 of 13 columns, 5,524 records.\n\nYes: 16x fewer values than "
                       "records; 9 bits; 4.59 B a socket"),
            0U)
      << brief;
  EXPECT_LE(std::count(brief.begin(), brief.end(), '\n'), 40) << brief;
  EXPECT_EQ(brief.find('\x1B'), std::string::npos);
  const std::string full = Inlay("analyze --full --columns 5-9 " + syn).out;
  EXPECT_GT(std::count(full.begin(), full.end(), '\n'), 100) << full;
  ExpectFailure("analyze --full --json " + syn, "excludes");
  const std::string command = "script -qec '" + std::string(INLAY_COMMAND) +
                              " analyze --columns 5-9 " + syn + "' /dev/null";
  EXPECT_NE(Shell("env -u NO_COLOR TERM=xterm " + command).out.find("\x1B[1;32mYes:"),
            std::string::npos);
  EXPECT_EQ(Shell("NO_COLOR=1 TERM=xterm " + command).out.find('\x1B'), std::string::npos);
  EXPECT_EQ(Shell("env -u NO_COLOR TERM=dumb " + command).out.find('\x1B'), std::string::npos);
}

TEST_F(AnalyzeCommandTest, LimitsOutOfRangeAreBadUsage) {
  const std::string path = files_.Write("data", "a,b\n");
  for (const char* limit :
       {"--max-distinct 0", "--max-distinct -1", "--max-distinct x", "--max-distinct 1.5",
        "--min-ratio 0.99", "--min-ratio -1", "--min-ratio nan", "--min-ratio inf", "--min-ratio x",
        "--min-ratio 2x", "--max-index-bits 1", "--max-index-bits 17", "--max-index-bits x",
        "--spoilers -1", "--spoilers 65537", "--spoilers x"}) {
    const std::string option(limit);
    ExpectFailure("analyze " + option + " " + path, option.substr(0, option.find(' ')));
  }
  ExpectFailure("analyze --fail-on-spoiler --spoilers 0 " + path,
                "--fail-on-spoiler needs --spoilers of 1 or more");
}

TEST_F(AnalyzeCommandTest, BadUsageIsExitCodeTwo) {
  const std::string path = files_.Write("data", "a,b\n");
  ExpectFailure("", "give a command: analyze, capture");
  ExpectFailure("nonsense", "there is no command 'nonsense'. The commands are analyze");
  ExpectFailure("analyze", "FILE");
  ExpectFailure("analyze --nonsense " + path, "--nonsense");
  ExpectFailure("analyze --format xml " + path, "--format");
  ExpectFailure("analyze --top -1 " + path, "--top");
  ExpectFailure("analyze --top x " + path, "--top");
  ExpectFailure("analyze --threads 1000 " + path, "--threads");
  ExpectFailure("analyze --value-bytes x " + path, "--value-bytes");
  ExpectFailure("analyze --value-bytes -1 " + path, "--value-bytes");
  ExpectFailure("analyze --delimiter ab " + path, "--delimiter");
  ExpectFailure("analyze --delimiter '' " + path, "--delimiter");
  ExpectFailure("analyze --header --no-header " + path, "--no-header");
  ExpectFailure("analyze --format raw " + path, "--value-bytes");
  ExpectFailure("analyze --format csv --value-bytes 2 " + path, "--value-bytes is for raw records");
  ExpectFailure("analyze --value-bytes 2 --columns 1 " + path, "--value-bytes is for raw records");
  ExpectFailure("analyze --format tsv --delimiter , " + path, "the delimiter of TSV is the tab");
  ExpectFailure("analyze --delimiter '\"' " + path, "cannot be the delimiter");
  ExpectFailure("analyze --fields a:u33 " + path, "item 1, 'a:u33', at character 1: unknown type");
  ExpectFailure("analyze --fields a:u8 --value-bytes 2 " + path, "have 1 byte, and --value-bytes");
  ExpectFailure("analyze --type x " + path, "give the file with --btf FILE");
  ExpectFailure("analyze --btf " + path + " " + path, "--btf needs the name of the value's type");
  ExpectFailure("analyze - -", "only once");
}

TEST_F(AnalyzeCommandTest, BadInputNamesTheFileAndThePlace) {
  const std::string table = files_.Write("table.csv", "a,b\nc\n");
  ExpectFailure("analyze " + table, table + ":2: 1 column where the first row has 2");
  ExpectFailure("analyze --columns 3 " + table, table + ":1: column '3' is out of range");
  ExpectFailure("analyze --columns nope " + table, table + ":1: unknown column 'nope'");
  ExpectFailure("analyze --value-bytes 4 " + table,
                table + ": the last record, at byte 4, has only 2 of 4 bytes");
  ExpectFailure("analyze --value-bytes 4 -", "standard input: the last record, at byte 4",
                "< " + table);
  ExpectFailure("analyze --value-bytes 0 " + table,
                "invalid number '0': expected a whole number from 1 to");
  ExpectFailure("analyze --value-bytes 65537 " + table, "invalid number '65537': expected a whole");
  ExpectFailure("analyze --value-bytes 99999999999999999999999 " + table, "--value-bytes");
  ExpectFailure("analyze -", "standard input: is empty");
  ExpectFailure("analyze --value-bytes 4 -", "standard input: is empty");
  ExpectFailure("analyze " + files_.Path("none"), "/none: cannot open: No such file or directory");
  ExpectFailure("analyze " + files_.Path(""), ": is a directory");
  ExpectFailure("analyze " + files_.Write("empty", ""), "/empty: is empty");
  ExpectFailure("analyze " + kData + "/tcp_info/snapshots.tcp_info.bin", "give their size");
  const std::string wide = files_.Write("long.csv", "a\n" + std::string(10'000'000, 'x') + "\n");
  ExpectFailure("analyze " + wide, wide + ":2: this row is longer than the limit of 1048576 bytes");
}

TEST_F(AnalyzeCommandTest, AnUnreadableFileIsAnError) {
  const std::string path = files_.Write("secret", "a\n");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  if (std::ifstream(path).good()) GTEST_SKIP() << "this user may read everything";
  ExpectFailure("analyze " + path, "/secret: cannot open: Permission denied");
}

TEST_F(AnalyzeCommandTest, AReportThatCannotBeWrittenIsAnError) {
  const std::string command =
      "'" + std::string(INLAY_COMMAND) + "' analyze " + kData + "/syn_options/syn.tsv";
  const Outcome outcome = Shell("(" + command + " > /dev/full)");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("cannot write the report"), std::string::npos) << outcome.err;
}

class AnalyzeHtmlTest : public InlayCommandTest {
 protected:
  const std::string syn_ = kData + "/syn_options/syn.tsv";
  const std::string html_ = files_.Path("page.html");
};

TEST_F(AnalyzeHtmlTest, WritesThePageBesideTheReport) {
  const std::string arguments = "analyze --columns 5-9 " + syn_;
  for (const std::string form : {"", " --json"}) {
    const Outcome outcome = Inlay(arguments + form + " --html " + html_);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, Inlay(arguments + form).out);
    const std::string page = Content(html_);
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
    EXPECT_EQ(WellFormed(page).error(), "");
    for (const char* const part : {"339", "syn.tsv", "--columns", "5,524"}) {
      EXPECT_NE(page.find(part), std::string::npos) << part;
    }
  }
  // A report that breaks a limit is a report.
  const std::string limited = files_.Path("limited.html");
  EXPECT_EQ(Inlay(arguments + " --max-distinct 1 --html " + limited).exit_code, 3);
  EXPECT_TRUE(std::filesystem::exists(limited));
}

TEST_F(AnalyzeHtmlTest, SaysWhichCommandMadeIt) {
  const std::string data = files_.Write("a 'b'.csv", "x\nx\n");
  const Outcome outcome = Shell("cd " + files_.Path("") + " && '" + INLAY_COMMAND +
                                "' analyze --no-split \"a 'b'.csv\" --html page.html");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  // Code may be broken behind a slash or an equals sign, of which there is none.
  EXPECT_NE(Content(html_).find("inlay analyze --no-split "
                                "&#39;a &#39;\\&#39;&#39;b&#39;\\&#39;&#39;.csv&#39; "
                                "--html page.html"),
            std::string::npos);
}

TEST_F(AnalyzeHtmlTest, WhatCannotBeWrittenPrintsNothing) {
  ExpectFailure("analyze " + syn_ + " --html " + files_.Path("nowhere/page.html"),
                "nowhere/page.html");
  ExpectFailure("analyze " + syn_ + " --html /dev/null", "/dev/null");
  ExpectFailure("analyze " + files_.Path("missing") + " --html " + html_, "missing");
  ExpectFailure("analyze " + syn_ + " --summary - --html " + html_, "--html");
  EXPECT_FALSE(std::filesystem::exists(html_));
}

TEST_F(AnalyzeHtmlTest, InputIsNotOverwritten) {
  const std::string data = files_.Write("data.csv", "a\nb\na\n");
  const std::string message = "data.csv: is read, and would be overwritten";
  ExpectFailure("analyze " + syn_ + " " + data + " --html " + data, message);
  ExpectFailure("analyze - --html " + data, message, "< " + data);
  ExpectFailure("analyze --btf " + data + " --type t " + syn_ + " --html " + data, message);
  EXPECT_EQ(Content(data), "a\nb\na\n");
}

}  // namespace
}  // namespace inlay
