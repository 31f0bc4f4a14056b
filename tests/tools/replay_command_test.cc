// `inlay replay`: what it prints for known records, and how it fails.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
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
  double pointer_bytes = 0;
  for (const char* layout : {"pointer", "index9", "index12", "index"}) {
    const std::vector<std::string> row = Row(outcome.out, layout);
    ASSERT_EQ(row.size(), 6U) << layout << "\n" << outcome.out;
    const double bytes_per_socket = std::stod(row[1]);
    if (std::string_view(layout) == "pointer") {
      pointer_bytes = bytes_per_socket;
      EXPECT_GE(bytes_per_socket, 8 + 96 + 192);  // the pointer, an element, a storage
    } else {
      // Two bytes, and 339 values in the table.
      EXPECT_GT(bytes_per_socket, 2);
      EXPECT_LT(bytes_per_socket, pointer_bytes / 10);
    }
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
