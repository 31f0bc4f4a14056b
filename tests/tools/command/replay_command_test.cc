// `inlay replay`: its output for known records, and its failures.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

using ReplayCommandTest = InlayCommandTest;

// The cells of the line that starts with `layout`.
std::vector<std::string> Row(const std::string& out, const std::string& layout) {
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> cells;
    for (std::string word; words >> word;) cells.push_back(word);
    if (!cells.empty() && cells[0] == layout) return cells;
  }
  return {};
}

TEST_F(ReplayCommandTest, MeasuresEveryLayout) {
  const Outcome outcome = Inlay("replay --columns 5-9 " + kData + "/syn_options/syn.tsv");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("5,524 records"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("339 distinct"), std::string::npos) << outcome.out;
  // The least bytes of a socket, and a bound that holds for values of 20 bytes, 339 of them in a
  // table.
  const struct {
    const char* layout;
    double least_bytes, most_bytes;
  } kLayouts[] = {
      {"pointer", 8 + 96 + 192, 400},   // the pointer, an element, a storage
      {"inline", 8 + 24, 8 + 24},       // the place: its word and the value
      {"single_pointer", 8 + 64, 150},  // the pointer and the object
      {"shared_pointer", 8, 30},        // the pointer, and the table
      {"index9", 2, 20},                // two bytes, and the table
      {"index12", 2, 20},
      {"index", 2, 20},
  };
  for (const auto& [layout, least_bytes, most_bytes] : kLayouts) {
    const std::vector<std::string> row = Row(outcome.out, layout);
    ASSERT_EQ(row.size(), 6U) << layout << "\n" << outcome.out;
    EXPECT_GE(std::stod(row[1]), least_bytes) << layout;
    EXPECT_LE(std::stod(row[1]), most_bytes) << layout;
    for (const size_t time : {2U, 3U, 4U}) EXPECT_GT(std::stod(row[time]), 0) << layout;
    EXPECT_EQ(row[5], "0") << layout;
  }
}

TEST_F(ReplayCommandTest, CountsWhatSpills) {
  // 10,429 records, no two alike: 510 have an index of 9 bits, 4,094 one of 12.
  const Outcome outcome =
      Inlay("replay --value-bytes 224 " + kData + "/tcp_info/snapshots.tcp_info.bin");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Row(outcome.out, "pointer").back(), "0");
  EXPECT_EQ(Row(outcome.out, "index9").back(), "9,919");
  EXPECT_EQ(Row(outcome.out, "index12").back(), "6,335");
  EXPECT_EQ(Row(outcome.out, "index").back(), "0");
}

TEST_F(ReplayCommandTest, SaysWhenRecordsAreLeftOut) {
  const Outcome outcome =
      Inlay("replay --max-sockets 100 --columns 5-9 " + kData + "/syn_options/syn.tsv");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("only the first 100 records"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("100 records"), std::string::npos) << outcome.out;
}

TEST_F(ReplayCommandTest, BadInputIsAMessageAndExitCode2) {
  ExpectFailure("replay", "FILE");
  ExpectFailure("replay " + kData + "/no_such_file", "no_such_file");
  ExpectFailure("replay " + kData, kData);
  ExpectFailure("replay --value-bytes 100 " + kData + "/tcp_info/snapshots.tcp_info.bin",
                "snapshots.tcp_info.bin");
  ExpectFailure("replay --max-sockets 0 " + kData + "/syn_options/syn.tsv", "--max-sockets");
  ExpectFailure("replay --value-bytes 4 -", "standard input", "< /dev/null");
  // A record may be longer than a map's value.
  const std::string large = files_.Path("large");
  std::ofstream(large) << std::string(65500, 'x');
  ExpectFailure("replay --value-bytes 65500 " + large, "65407");
}

}  // namespace
}  // namespace inlay
