// The page of a report, in a real browser: page_in_browser.sh has the checks.

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/inlay_command.h"
#include "tests/tools/pages/example_results.h"

namespace inlay {
namespace {

using BenchPageInBrowserTest = InlayCommandTest;

TEST_F(BenchPageInBrowserTest, IsReadableOnDesksAndPhonesInBothSchemes) {
  std::string arguments = "report --html " + files_.Path("report.html");
  int number = 0;
  for (const BenchmarkJson& json : AllQuestions()) {
    arguments += " " + files_.Write(std::to_string(number++) + ".json", json.Text());
  }
  const Outcome report = Inlay(arguments);
  ASSERT_EQ(report.exit_code, 0) << report.err;
  const Outcome looked = Shell(std::string(INLAY_TEST_SOURCE_DIR) + "/pages/page_in_browser.sh " +
                               files_.Path("report.html"));
  constexpr int kSkipped = 77;
  if (looked.exit_code == kSkipped) GTEST_SKIP() << looked.out;
  EXPECT_EQ(looked.exit_code, 0) << looked.out << looked.err;
}

}  // namespace
}  // namespace inlay
