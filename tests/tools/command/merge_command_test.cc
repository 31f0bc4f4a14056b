// `inlay merge`, and `inlay analyze` of its output: any split of the data gives the report on the
// whole. Also tests the memory budget.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

class MergeCommandTest : public InlayCommandTest {
 protected:
  // The lines of a file, dealt to so many shards at random.
  std::vector<std::string> Shards(const std::string& path, size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::string> parts(count);
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) parts[random() % count] += line + "\n";
    std::vector<std::string> shards;
    for (size_t i = 0; i < count; ++i) {
      shards.push_back(files_.Write("shard" + std::to_string(i), parts[i]));
    }
    return shards;
  }

  const std::string command_ = "'" + std::string(INLAY_COMMAND) + "' ";
};

TEST_F(MergeCommandTest, ShardsOfAFleetGiveTheReportOnTheWhole) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string path = kData + "/syn_options/syn.tsv";
  const std::string expected = Inlay("analyze --json --format tsv " + path).out;
  std::vector<std::string> summaries;
  for (const std::string& shard : Shards(path, 64, seed)) {
    summaries.push_back(shard + ".summary");
    const Outcome outcome =
        Inlay("analyze --format tsv --summary " + summaries.back() + " " + shard);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  std::mt19937 random(seed);
  std::shuffle(summaries.begin(), summaries.end(), random);
  std::string some;
  std::string others;
  for (size_t i = 0; i < summaries.size(); ++i) (i < 20 ? some : others) += summaries[i] + " ";
  const std::string fleet = files_.Write("fleet.summary", "");
  // A tree of merges, one of them a filter.
  const Outcome merged = Shell("cat " + some + " | " + command_ + "merge | " + command_ +
                               "merge - " + others + " -o " + fleet);
  ASSERT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(Inlay("analyze --json " + fleet).out, expected);
  EXPECT_EQ(Inlay("analyze --json " + some + others).out, expected) << "without merging first";
}

// Text-based engines: a mapper on each split of the input, lines sorted and dealt to reducers, a
// tab behind each, and a last reducer. Also GNU parallel, if installed.
TEST_F(MergeCommandTest, SummariesPassThroughEnginesOfText) {
  const std::string path = kData + "/syn_options/syn.tsv";
  const std::string expected = Inlay("analyze --json --format tsv " + path).out;
  std::string mapped;
  for (const std::string& shard : Shards(path, 16, 5)) {
    mapped += Shell(command_ + "analyze --format tsv --summary - --as-line - < " + shard).out;
  }
  const std::string lines = files_.Write("lines", mapped);
  const std::string reduce = command_ + "merge --as-line";
  const Outcome reduced = Shell("sort " + lines + " | sed 's/$/\\t/' | split -n r/3 --filter=\"" +
                                reduce + "\" | " + command_ + "merge > " + lines + ".summary");
  ASSERT_EQ(reduced.exit_code, 0) << reduced.err;
  EXPECT_EQ(Inlay("analyze --json " + lines + ".summary").out, expected);
  EXPECT_EQ(Inlay("analyze --json " + lines).out, expected) << "lines are summaries, too";
  files_.Write("lines", mapped.substr(0, mapped.size() - 20));
  const Outcome cut = Inlay("merge " + lines);
  EXPECT_EQ(cut.exit_code, 2);
  EXPECT_NE(cut.err.find("lines: line 16: is "), std::string::npos) << cut.err;

  if (Shell("parallel --version").out.find("GNU parallel") == std::string::npos) {
    GTEST_SKIP() << "GNU parallel is not installed";
  }
  const Outcome parallel =
      Shell("parallel --pipepart -a " + path + " --block 20k " + command_ +
            "analyze --format tsv --summary - - | " + command_ + "merge > " + lines + ".summary");
  ASSERT_EQ(parallel.exit_code, 0) << parallel.err;
  EXPECT_EQ(Inlay("analyze --json " + lines + ".summary").out, expected);
}

TEST_F(MergeCommandTest, RefusesWhatDoesNotBelongTogether) {
  const std::string a = files_.Write("a.csv", "1,2\n3,4\n");
  const std::string b = files_.Write("b.csv", "1,2,3\n3,4,5\n");
  for (const std::string& path : {a, b}) {
    ASSERT_EQ(Inlay("analyze --summary " + path + ".summary " + path).exit_code, 0);
  }
  const Outcome different = Inlay("merge " + a + ".summary " + b + ".summary");
  EXPECT_EQ(different.exit_code, 2);
  EXPECT_EQ(different.out, "");
  EXPECT_NE(different.err.find("b.csv.summary: its values are not those"), std::string::npos)
      << different.err;
  const Outcome no_summary = Inlay("merge " + a);
  EXPECT_EQ(no_summary.exit_code, 2);
  EXPECT_NE(no_summary.err.find("a.csv: is not a summary"), std::string::npos) << no_summary.err;
  const Outcome empty = Inlay("merge", "< /dev/null");
  EXPECT_EQ(empty.exit_code, 2);
  EXPECT_NE(empty.err.find("standard input: is cut off"), std::string::npos) << empty.err;
}

// All different and far too many for the budget: the figures are close, and said to be estimates.
TEST_F(MergeCommandTest, ABudgetOfMemoryIsKept) {
  constexpr uint32_t kRecords = 2'000'000;
  const std::string path = kWork + "/all_different.bin";
  {
    std::ofstream file(path, std::ios::binary);
    for (uint32_t i = 0; i < kRecords; ++i) {
      const uint64_t record[2] = {i, i * uint64_t{0x9e37'79b9'7f4a'7c15}};
      file.write(reinterpret_cast<const char*>(record), sizeof(record));
    }
  }
  const std::string arguments = "analyze --json --value-bytes 16 --memory 32M " + path;
  const Outcome outcome = Inlay(arguments);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["records"], kRecords);
  EXPECT_FALSE(json["exact"].get<bool>());
  const double error = json["errors"]["distinct"];
  EXPECT_LT(error, 0.03 * kRecords);
  // Twice the error is passed once in ten thousand times; the data is the same each time.
  EXPECT_NEAR(json["distinct"].get<double>(), kRecords, 2 * error);
  EXPECT_NE(Inlay("analyze --value-bytes 16 --memory 32M " + path).out.find("\nAbout "),
            std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(Inlay("analyze --json --value-bytes 16 " + path).out)["exact"]
                  .get<bool>());
  std::remove(path.c_str());
}

// So few values are dropped that all of them are known: the figures stay exact.
TEST_F(MergeCommandTest, WhatIsLeftOutAndKnownIsCountedOnce) {
  const std::string path = kWork + "/large_records.bin";
  {
    std::mt19937_64 random(3);
    std::ofstream file(path, std::ios::binary);
    for (int i = 0; i < 6000 * 64; ++i) {
      const uint64_t word = random();
      file.write(reinterpret_cast<const char*>(&word), sizeof(word));
    }
  }
  const nlohmann::json json = nlohmann::json::parse(
      Inlay("analyze --json --value-bytes 512 --threads 4 --memory 16M " + path).out);
  EXPECT_FALSE(json["exact"].get<bool>());
  EXPECT_EQ(json["distinct"], 6000);
  EXPECT_EQ(json["singletons"], 6000);
  EXPECT_TRUE(json["split"].is_null()) << "none is advised from a sample";
  std::remove(path.c_str());
}

TEST_F(MergeCommandTest, OptionsThatSayHowToReadDoNotApplyToSummaries) {
  const std::string a = files_.Write("a.csv", "1,2\n3,4\n");
  ASSERT_EQ(Inlay("analyze --summary " + a + ".summary " + a).exit_code, 0);
  ExpectFailure("analyze --columns 2 " + a + ".summary", "a.csv.summary: is a summary");
}

TEST_F(MergeCommandTest, SummariesAreReadFromPipesAndCompressed) {
  const std::string syn = kData + "/syn_options/syn.tsv";
  const std::string expected = Inlay("analyze --json " + syn).out;
  const std::string summary = files_.Path("syn.summary");
  ASSERT_EQ(Inlay("analyze --summary " + summary + " " + syn).exit_code, 0);
  EXPECT_EQ(Inlay("analyze --json -", "< " + summary).out, expected);
  EXPECT_EQ(Shell("cat " + summary + " | " + command_ + "analyze --json -").out, expected);
  ASSERT_EQ(Shell("gzip -k " + summary).exit_code, 0);
  EXPECT_EQ(Inlay("analyze --json " + summary + ".gz").out, expected);
  EXPECT_EQ(Inlay("analyze --json -", "< " + summary + ".gz").out, expected);
  EXPECT_EQ(Inlay("merge", "< " + summary + ".gz").out, Content(summary));
  if (Shell("zstd -q -k " + summary).exit_code == 0) {
    EXPECT_EQ(Inlay("analyze --json " + summary + ".zst").out, expected);
  }
  ExpectFailure("analyze --columns 2 -", "standard input: is a summary", "< " + summary);
}

TEST_F(MergeCommandTest, SummariesAndRecordsAreNotMixed) {
  const std::string table = files_.Write("t.csv", "1,2\n3,4\n");
  const std::string summary = table + ".summary";
  ASSERT_EQ(Inlay("analyze --summary " + summary + " " + table).exit_code, 0);
  const std::string message = summary + ": is a summary, and " + table +
                              " is not; give only summaries or only files of records";
  ExpectFailure("analyze " + table + " " + summary, message);
  ExpectFailure("analyze " + summary + " " + table, message);
}

TEST_F(MergeCommandTest, OptionsOfTheReportAreRefusedWithASummary) {
  const std::string table = files_.Write("t.csv", "1,2\n3,4\n");
  const std::string summary = files_.Path("none.summary");
  ExpectFailure("analyze --as-line " + table, "--as-line requires --summary");
  for (const char* option : {"--json", "--top 3", "--max-distinct 5", "--min-ratio 2",
                             "--max-index-bits 5", "--fail-on-spoiler", "--spoilers 3",
                             "--no-split", "--split", "--write-cost 1", "--struct-name x"}) {
    const std::string name = std::string(option).substr(0, std::string(option).find(' '));
    ExpectFailure("analyze --summary " + summary + " " + option + " " + table, name);
    ExpectFailure("analyze --summary " + summary + " " + option + " " + table, "excludes");
    EXPECT_FALSE(std::filesystem::exists(summary));
  }
  EXPECT_EQ(Inlay("analyze --memory 16M --threads 1 --header --summary " + summary + " " + table)
                .exit_code,
            0);
}

// The sum has each note on the inputs once.
TEST_F(MergeCommandTest, NotesAreInSummaries) {
  const std::string dump = kData + "/bpf_dumps/ss_bpf-maps.txt";
  const std::string direct = Inlay("analyze --json --map-id 136 " + dump).out;
  const std::string summary = files_.Path("ss.summary");
  ASSERT_EQ(Inlay("analyze --map-id 136 --summary " + summary + " " + dump).exit_code, 0);
  EXPECT_EQ(Inlay("analyze --json " + summary).out, direct);
  const nlohmann::json twice =
      nlohmann::json::parse(Inlay("analyze --json " + summary + " " + summary).out);
  EXPECT_EQ(twice["notes"], nlohmann::json::parse(direct)["notes"]);
  EXPECT_EQ(twice["notes"].size(), 2U);
  const std::string table = files_.Write("t.csv", "port,name\n1,a\n2,b\n3,b\n");
  ASSERT_EQ(Inlay("analyze --summary " + summary + " " + table).exit_code, 0);
  EXPECT_EQ(Inlay("analyze " + summary).out, Inlay("analyze " + table).out);
  EXPECT_NE(Inlay("analyze " + summary).out.find("looks like a header"), std::string::npos);
}

TEST_F(MergeCommandTest, ABudgetIsASize) {
  for (const char* size : {"0", "-1", "15M", "12Q", "M", "99999999999999999999G"}) {
    const Outcome outcome =
        Inlay("analyze --memory " + std::string(size) + " " + kData + "/syn_options/syn.tsv");
    EXPECT_EQ(outcome.exit_code, 2) << size;
    EXPECT_NE(outcome.err.find("--memory"), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace inlay
