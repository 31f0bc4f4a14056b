// The growth figures of `inlay analyze`, through the built command: in random order, in input
// order, and from snapshot to snapshot. The expected numbers of snapshots come from cut, sort and
// comm.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/full_text.h"
#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

using Json = nlohmann::json;

class GrowthCommandTest : public InlayCommandTest {
 protected:
  Json Report(const std::string& arguments) {
    const Outcome outcome = Inlay("analyze --json --no-split --spoilers 0 " + arguments);
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.err;
    return outcome.exit_code == 0 ? Json::parse(outcome.out) : Json();
  }

  // Text without its line ends.
  static std::string Joined(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return OneBlankEach(text);
  }

  std::string FullWords(const std::string& arguments) {
    return Joined(Inlay("analyze --full " + arguments).out);
  }

  static Json WithoutGrowth(Json report) {
    report.erase("growth");
    report.erase("notes");
    return report;
  }

  const std::string syn_ = kData + "/syn_options/syn.tsv";
  const std::string tcp_info_ = kWork + "/snapshots.tsv";
};

TEST_F(GrowthCommandTest, EveryReportHasASection) {
  const std::string text = OneBlankEach(Inlay("analyze --full --columns 5-9 " + syn_).out);
  for (const char* part :
       {"\nHow the values grow with the sockets\n", "\n 2,762 247 11.17\n 5,524 339 16.29\n",
        "\n records 5,524 11,048 55,240\n",
        " Law: distinct = ", "The index needs: 9 bits today, "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  const Json growth = Report("--columns 5-9 " + syn_)["growth"];
  EXPECT_EQ(growth["order"], "random");
  EXPECT_EQ(growth["points"].back()["distinct"], 339);
  EXPECT_EQ(growth["forecasts"][0]["times"], 2);
  EXPECT_EQ(growth["forecasts"][1]["records"], 55'240);
  EXPECT_EQ(growth["snapshots"].size(), 0U);
}

TEST_F(GrowthCommandTest, InOrderTheFirstRecordsAreCounted) {
  const Json report = Report("--in-order " + syn_);
  std::ifstream file(syn_);
  std::vector<std::string> rows;
  for (std::string row; std::getline(file, row);) rows.push_back(row);
  const Json& points = report["growth"]["points"];
  EXPECT_EQ(report["growth"]["order"], "input");
  ASSERT_GE(points.size(), 12U);
  for (const Json& point : points) {
    const auto end = point["records"].get<std::ptrdiff_t>();
    const std::set<std::string> met(rows.begin(), rows.begin() + end);
    EXPECT_EQ(point["distinct"], met.size()) << end;
  }
  EXPECT_EQ(points.back()["records"], 5524);
  EXPECT_EQ(report["growth"]["random_order"].size(), points.size());
}

TEST_F(GrowthCommandTest, InOrderEverythingElseIsTheSameForAnyThreads) {
  for (const std::string& input :
       {"--columns 3 " + kWork + "/ip_country.csv",
        "--value-bytes 224 " + kData + "/tcp_info/snapshots.tcp_info.bin",
        "--columns 3 " + kData + "/ip_country/ip_country.csv.gz"}) {
    const Json plain = Report(input);
    const Json one = Report("--in-order --threads 1 " + input);
    EXPECT_EQ(WithoutGrowth(one), WithoutGrowth(plain)) << input;
    // Of more than one block.
    EXPECT_GE(one["growth"]["points"].size(), 12U);
    for (const char* threads : {"2", "7"}) {
      EXPECT_EQ(Report("--in-order --threads " + std::string(threads) + " " + input), one) << input;
    }
  }
}

TEST_F(GrowthCommandTest, InOrderWorksWithinMemoryToo) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i % 120'000) + ",some text\n";
  const std::string path = files_.Write("many.csv", text);
  const Json plain = Report("--memory 16M --threads 1 " + path);
  ASSERT_EQ(plain["exact"], false);
  const Json report = Report("--memory 16M --threads 1 --in-order " + path);
  EXPECT_EQ(WithoutGrowth(report), WithoutGrowth(plain));
  const Json& points = report["growth"]["points"];
  for (const Json& point : points) {
    const double truth = std::min(point["records"].get<double>(), 120'000.0);
    EXPECT_NEAR(point["distinct"].get<double>() / truth, 1, 0.1);
  }
  EXPECT_NEAR(points.back()["distinct"].get<double>(), plain["distinct"].get<double>(), 1);
}

TEST_F(GrowthCommandTest, WhatTheOrderMeansIsSaid) {
  const std::string words = kWork + "/ip_country.csv";
  const std::string sorted = files_.Path("sorted");
  const std::string shuffled = files_.Path("shuffled");
  ASSERT_EQ(Shell("cut -d, -f3 " + words + " | sort > " + sorted).exit_code, 0);
  ASSERT_EQ(Shell("shuf --random-source=" + words + " " + sorted + " > " + shuffled).exit_code, 0);
  const std::string in_order = FullWords("--in-order --columns 1 " + sorted);
  EXPECT_NE(in_order.find("Either the input is sorted, or new values keep coming"),
            std::string::npos)
      << in_order;
  const std::string at_random = FullWords("--in-order --columns 1 " + shuffled);
  EXPECT_NE(at_random.find("The order matters little"), std::string::npos) << at_random;
}

TEST_F(GrowthCommandTest, AColumnTellsSnapshotsApart) {
  const Json report = Report("--snapshot-column 1 --columns 9-10 " + tcp_info_);
  struct Expected {
    const char* name;
    int records, distinct, appeared, disappeared, so_far;
  };
  const std::vector<Expected> expected = {
      {"1", 9868, 941, 941, 0, 941}, {"8", 503, 108, 2, 835, 943}, {"9", 14, 11, 0, 97, 943},
      {"2", 7, 1, 1, 11, 944},       {"4", 36, 32, 32, 1, 949},    {"7", 1, 1, 1, 32, 949}};
  const Json& snapshots = report["growth"]["snapshots"];
  ASSERT_EQ(snapshots.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(snapshots[i]["name"], expected[i].name);
    EXPECT_EQ(snapshots[i]["records"], expected[i].records);
    EXPECT_EQ(snapshots[i]["distinct"], expected[i].distinct);
    EXPECT_EQ(snapshots[i]["appeared"], expected[i].appeared);
    EXPECT_EQ(snapshots[i]["disappeared"], expected[i].disappeared);
    EXPECT_EQ(snapshots[i]["distinct_so_far"], expected[i].so_far);
  }
  EXPECT_EQ(report["records"], 1) << "the last one";
  EXPECT_EQ(report["growth"]["order"], "snapshots");
  EXPECT_NE(report["notes"][0].get<std::string>().find("the last of 6 snapshots, '7'"),
            std::string::npos);
  for (const char* threads : {"1", "7"}) {
    EXPECT_EQ(Report("--snapshot-column 1 --columns 9-10 --threads " + std::string(threads) + " " +
                     tcp_info_),
              report);
  }
}

// The value then has the other columns, under their names; quoted cells stay unchanged.
TEST_F(GrowthCommandTest, TheColumnOfTheSnapshotIsNoPartOfTheValue) {
  const std::string path =
      files_.Write("named.csv",
                   "time,a,b\n"
                   "\"1,0\",x,\"p,q\"\n2,x,r\n\"1,0\",y,s\n2,x,\"p,q\"\n2,x,r\n");
  const Json report = Report("--snapshot-column time " + path);
  EXPECT_EQ(report["growth"]["snapshots"][0]["name"], "1,0");
  EXPECT_EQ(report["growth"]["snapshots"][1]["appeared"], 1);
  EXPECT_EQ(report["growth"]["snapshots"][1]["disappeared"], 1);
  EXPECT_EQ(report["records"], 3);
  EXPECT_EQ(report["top"][0]["value"], "x,r");
  ASSERT_EQ(report["fields"].size(), 2U);
  EXPECT_EQ(report["fields"][1]["name"], "b");
  const std::string log = kData + "/zeek/conn.log";
  EXPECT_EQ(Report("--snapshot-column proto --columns service,conn_state " + log)["fields"].size(),
            2U);
}

TEST_F(GrowthCommandTest, FilesAndSummariesAreSnapshots) {
  std::vector<std::string> parts;
  std::vector<std::string> summaries;
  for (const char* lines : {"1,3000p", "3001,6000p", "6001,10429p"}) {
    parts.push_back(files_.Path("part" + std::to_string(parts.size())));
    ASSERT_EQ(
        Shell(std::string("sed -n ") + lines + " " + tcp_info_ + " | cut -f9,10 > " + parts.back())
            .exit_code,
        0);
    summaries.push_back(parts.back() + ".summary");
    ASSERT_EQ(Inlay("analyze --summary " + summaries.back() + " " + parts.back()).exit_code, 0);
  }
  const auto listed = [](const std::vector<std::string>& paths) {
    return paths[0] + " " + paths[1] + " " + paths[2];
  };
  const Json report = Report("--snapshots " + listed(parts));
  EXPECT_EQ(WithoutGrowth(report), WithoutGrowth(Report(parts[2])));
  const Json& snapshots = report["growth"]["snapshots"];
  ASSERT_EQ(snapshots.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(snapshots[i]["name"], parts[i]);
    const auto count = [&](const std::string& command) {
      return std::stoi(Shell("LC_ALL=C; export LC_ALL; " + command + " | wc -l").out);
    };
    const std::string now = "sort -u " + parts[i];
    EXPECT_EQ(snapshots[i]["distinct"], count(now));
    if (i == 0) continue;
    const std::string before = files_.Path("before");
    const std::string after = files_.Path("after");
    ASSERT_EQ(Shell("LC_ALL=C sort -u " + parts[i - 1] + " > " + before).exit_code, 0);
    ASSERT_EQ(Shell("LC_ALL=C " + now + " > " + after).exit_code, 0);
    EXPECT_EQ(snapshots[i]["appeared"], count("comm -13 " + before + " " + after));
    EXPECT_EQ(snapshots[i]["disappeared"], count("comm -23 " + before + " " + after));
  }
  EXPECT_EQ(snapshots[2]["distinct_so_far"], 949);
  Json of_summaries = Report("--snapshots " + listed(summaries));
  EXPECT_EQ(of_summaries["growth"]["forecasts"], report["growth"]["forecasts"]);
  for (size_t i = 0; i < 3; ++i) of_summaries["growth"]["snapshots"][i]["name"] = parts[i];
  EXPECT_EQ(of_summaries["growth"]["snapshots"], snapshots);

  const std::string text = FullWords("--snapshots " + listed(parts));
  EXPECT_NE(text.find("From snapshot to snapshot"), std::string::npos) << text;
  EXPECT_NE(text.find("would hold at most the 949 values so far"), std::string::npos) << text;
  EXPECT_NE(text.find("too similar in size"), std::string::npos) << text;
}

TEST_F(GrowthCommandTest, AHeaderThatBecomesASnapshotIsHintedAt) {
  std::string rows = "day,a,b\n";
  for (int i = 0; i < 40; ++i) rows += std::to_string(i % 2) + "," + std::to_string(i) + ",7\n";
  const std::string path = files_.Write("days.csv", rows);
  EXPECT_NE(Inlay("analyze --snapshot-column 1 " + path).out.find("looks like a header"),
            std::string::npos);
  EXPECT_EQ(Inlay("analyze --snapshot-column day " + path).out.find("looks like a header"),
            std::string::npos);
}

TEST_F(GrowthCommandTest, ASummaryOfASampleIsNoSnapshot) {
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += std::to_string(i) + ",x\n";
  const std::string summary = files_.Path("sampled");
  ASSERT_EQ(
      Inlay("analyze --memory 16M --summary " + summary + " " + files_.Write("sampled.csv", large))
          .exit_code,
      0);
  ExpectFailure("analyze --snapshots " + summary + " " + summary, "is the summary of a sample");
}

TEST_F(GrowthCommandTest, StandardInputMayBeASnapshot) {
  const std::string one = files_.Write("one.csv", "a,b\nc,d\n");
  const Outcome outcome = Shell("cat " + one + " | " + INLAY_COMMAND +
                                " analyze --snapshots --format csv " + one + " -");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(Joined(outcome.out).find("the last of 2 snapshots, 'standard input'"),
            std::string::npos)
      << outcome.out;
}

TEST_F(GrowthCommandTest, WhatCannotBeIsRefused) {
  const std::string one = files_.Write("one.csv", "a,b\nc,d\n");
  const std::string two = files_.Write("two.csv", "a,b,c\n");
  const std::string summary = files_.Path("summary");
  ASSERT_EQ(Inlay("analyze --summary " + summary + " " + one).exit_code, 0);
  ExpectFailure("analyze --snapshots " + one, "--snapshots needs two snapshots or more");
  ExpectFailure("analyze --snapshots " + one + " " + two, "two.csv: its values are not those of");
  ExpectFailure("analyze --snapshots " + one + " " + files_.Path("none"), "cannot open");
  ExpectFailure("analyze --snapshot-column 3 " + one,
                "one.csv: --snapshot-column: column '3' is out of range");
  ExpectFailure("analyze --snapshot-column nope " + one,
                "one.csv: --snapshot-column: unknown column 'nope'");
  ExpectFailure("analyze --snapshot-column 1-2 " + one, "'1-2' is not one column");
  ExpectFailure("analyze --snapshot-column 1 " + files_.Write("narrow", "a\nb\n"),
                "has no column but that of --snapshot-column");
  ExpectFailure("analyze --snapshot-column 1 --columns 1 " + files_.Write("same", "a,b\na,b\n"),
                "--snapshot-column needs two snapshots or more");
  ExpectFailure("analyze --snapshot-column 1 --value-bytes 4 " + one, "is for input with columns");
  ExpectFailure("analyze --snapshot-column 1 " + kData + "/bpf_dumps/nobtf16.j.json",
                "is for input with columns");
  ExpectFailure("analyze --snapshot-column nope " + kData + "/bpf_dumps/conf_map.btf.j.json",
                "unknown column 'nope'");
  ExpectFailure("analyze --in-order --snapshots " + one + " " + one, "--in-order");
  ExpectFailure("analyze --in-order " + summary, "is a summary, which knows neither the order");
  ExpectFailure("analyze --snapshot-column 1 " + summary, "is a summary, which knows neither");
  ExpectFailure("analyze --in-order --summary " + files_.Path("x") + " " + one,
                "--in-order excludes --summary");
  ExpectFailure("analyze --snapshots --snapshot-column 1 " + one + " " + one, "excludes");
  ExpectFailure("analyze --snapshot-column '' " + one, "--snapshot-column: the text is empty");
  const std::string header = files_.Write("header.csv", "a,b\n");
  ExpectFailure("analyze --header --snapshots " + one + " " + header,
                "header.csv: the snapshot has no record");
  ExpectFailure("analyze --snapshots " + one + " " + two, " instead of ");
  std::string many;
  for (int i = 0; i < 10'001; ++i) many += std::to_string(i) + ",x\n";
  const std::string labels = files_.Write("labels.csv", many);
  ExpectFailure("analyze --snapshot-column 1 " + labels, "more than 10000 different texts");
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += std::to_string(i) + ",x\n";
  const std::string path = files_.Write("large.csv", large);
  ExpectFailure("analyze --memory 16M --snapshots " + path + " " + path,
                "do not fit into --memory");
}

// Only today's values decide on a limit.
TEST_F(GrowthCommandTest, LimitsLookAtToday) {
  EXPECT_EQ(Inlay("analyze --max-index-bits 9 --columns 5-9 " + syn_).exit_code, 0);
  EXPECT_EQ(Inlay("analyze --in-order --max-index-bits 8 --columns 5-9 " + syn_).exit_code, 3);
}

}  // namespace
}  // namespace inlay
