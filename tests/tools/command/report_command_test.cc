// `inlay report`: its options, streams and exit codes.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/tools/inlay_command.h"
#include "tests/tools/pages/benchmark_json.h"

namespace inlay {
namespace {

class ReportCommandTest : public InlayCommandTest {
 protected:
  static BenchmarkJson Result() {
    const std::string sizes = "/packet/sockets:1000/values:5/bytes:8";
    return BenchmarkJson()
        .Add("Get/touch" + sizes, {100, 101, 102})
        .Add("Get/index" + sizes, {110, 111, 112});
  }
  std::string good_ = files_.Write("good.json", Result().Text());
};

TEST_F(ReportCommandTest, PrintsMarkdownIfNothingElseIsAskedFor) {
  const Outcome outcome = Inlay("report " + good_);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(outcome.out.starts_with("# Inlay")) << outcome.out;
  EXPECT_NE(outcome.out.find("| index | 10 | - | 111 | 110 | 112 |"), std::string::npos)
      << outcome.out;
}

TEST_F(ReportCommandTest, WritesFiles) {
  const std::string html = files_.Path("report.html");
  const std::string markdown = files_.Path("report.md");
  const Outcome outcome = Inlay("report " + good_ + " --html " + html + " --markdown " + markdown);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(Content(html).starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(Content(markdown), Inlay("report " + good_).out);
}

TEST_F(ReportCommandTest, PrintsTheTable) {
  const Outcome outcome = Inlay("report --table " + good_);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("Test CPU (2 cores)")) << outcome.out;
  EXPECT_TRUE(outcome.out.ends_with("| `index`: 16 bits inline | 10 | - | - | - | - | - |\n"))
      << outcome.out;
}

TEST_F(ReportCommandTest, WritesTheChart) {
  const std::string chart = files_.Path("get.svg");
  const Outcome outcome = Inlay("report --chart " + chart + " " + good_);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(Content(chart).starts_with("<svg xmlns=")) << Content(chart);
  // It goes with the other outputs.
  const Outcome both = Inlay("report --table --chart " + chart + " " + good_);
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_EQ(both.out, Inlay("report --table " + good_).out);
}

TEST_F(ReportCommandTest, RefusesChartsThatItCannotMake) {
  ExpectFailure("report --chart " + good_ + " " + good_, "would be overwritten");
  EXPECT_EQ(Content(good_), Result().Text());
  ExpectFailure("report --chart '' " + good_, "--chart");
  const std::string other =
      files_.Write("other.json", BenchmarkJson().Add("Kernel/packet/touch/sockets:1", {1}).Text());
  const std::string none = files_.Path("none.svg");
  ExpectFailure("report --chart " + none + " --html " + none + " " + good_, "twice");
  ExpectFailure("report --chart " + none + " " + other, "--chart: no get of a layout");
  EXPECT_FALSE(std::filesystem::exists(none));
}

TEST_F(ReportCommandTest, RefusesBadInputAndWritesNothing) {
  const std::string html = files_.Path("report.html");
  const std::string output = " --html " + html;
  ExpectFailure("report", "FILE");
  ExpectFailure("report " + files_.Path("missing.json") + output, "missing.json");
  ExpectFailure("report " + files_.Path("") + output, files_.Path(""));
  const std::string cut = files_.Write("cut.json", Result().Text().substr(0, 700));
  ExpectFailure("report " + good_ + " " + cut + output, cut + ": not JSON, or cut off");
  const std::string nameless = files_.Write("nameless.json", Result().Without("commit").Text());
  ExpectFailure("report " + nameless + output, nameless + ": the context has no \"commit\"");
  const std::string other = files_.Write("other.json", Result().Context("cpu", "Other").Text());
  ExpectFailure("report " + good_ + " " + other + output, "\"cpu\" is \"Other\"");
  EXPECT_FALSE(std::filesystem::exists(html));
}

TEST_F(ReportCommandTest, RefusesOutputsThatCannotBeWritten) {
  const std::string markdown = files_.Path("report.md");
  ExpectFailure("report " + good_ + " --markdown " + markdown + " --html " +
                    files_.Path("nowhere/report.html"),
                "nowhere/report.html");
  ExpectFailure("report " + good_ + " --markdown " + markdown + " --html /dev/null", "/dev/null");
  ExpectFailure("report " + good_ + " --markdown " + markdown + " --html " + markdown, "twice");
  EXPECT_FALSE(std::filesystem::exists(markdown));
  ExpectFailure("report " + good_ + " --html " + good_, "would be overwritten");
  EXPECT_EQ(Content(good_), Result().Text());
}

TEST_F(ReportCommandTest, ATableOfNothingIsAFailure) {
  const std::string path =
      files_.Write("kernel.json", BenchmarkJson().Add("Kernel/packet/touch/sockets:1", {1}).Text());
  ExpectFailure("report --table " + path, "--table");
}

TEST_F(ReportCommandTest, HelpNamesTheManual) {
  const Outcome outcome = Inlay("report --help");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.out.find("docs/report.md"), std::string::npos);
}

TEST_F(ReportCommandTest, AFullDiskIsAFailure) {
  const Outcome outcome =
      Shell("'" + std::string(INLAY_COMMAND) + "' report " + good_ + " > /dev/full");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("standard output"), std::string::npos);
}

}  // namespace
}  // namespace inlay
