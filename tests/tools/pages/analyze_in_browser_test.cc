// The page of `inlay analyze --html`, in a real browser: page_in_browser.sh has the checks.

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

class AnalyzeInBrowserTest : public InlayCommandTest {
 protected:
  void ExpectReadable(const std::string& arguments) {
    const std::string html = files_.Path("page.html");
    const Outcome report = Inlay("analyze " + arguments + " --html " + html);
    ASSERT_EQ(report.exit_code, 0) << report.err;
    const Outcome looked =
        Shell(std::string(INLAY_TEST_SOURCE_DIR) + "/pages/page_in_browser.sh " + html);
    constexpr int kSkipped = 77;
    if (looked.exit_code == kSkipped) GTEST_SKIP() << looked.out;
    EXPECT_EQ(looked.exit_code, 0) << looked.out << looked.err;
  }
};

TEST_F(AnalyzeInBrowserTest, OptionsOfConnections) {
  ExpectReadable("--columns 5-9 " + kData + "/syn_options/syn.tsv");
}

TEST_F(AnalyzeInBrowserTest, StructsWithNamesAndManyFields) {
  ExpectReadable("--fields " +
                 std::string("state:u8,ca_state:u8,retransmits:u8,probes:u8,backoff:u8,options:u8,"
                             "rest:bytes[218] ") +
                 kData + "/tcp_info/snapshots.tcp_info.bin");
}

TEST_F(AnalyzeInBrowserTest, LongNamesAndValues) {
  std::string text;
  for (int column = 0; column < 12; ++column) {
    text += std::string(200, static_cast<char>('M' + column)) + (column < 11 ? "," : "\n");
  }
  for (int row = 0; row < 200; ++row) {
    for (int column = 0; column < 12; ++column) {
      text += std::string(300, 'W') + std::to_string(row % (column * 7 + 2)) +
              (column < 11 ? "," : "\n");
    }
  }
  ExpectReadable("--header --split " + files_.Write(std::string(150, 'L') + ".csv", text));
}

}  // namespace
}  // namespace inlay
