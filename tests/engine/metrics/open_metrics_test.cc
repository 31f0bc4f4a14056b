#include "engine/metrics/open_metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace inlay {
namespace {

constexpr uint64_t kOne = 1;

// The sample of one gauge with this value of its label.
std::string SampleWith(std::string_view label) {
  OpenMetrics metrics;
  metrics.Begin({.name = "g"});
  metrics.Add({{"l", label}}, kOne);
  const std::string text = std::move(metrics).Finish();
  const size_t begin = text.find("g{l=\"") + 5;
  return text.substr(begin, text.rfind("\"} 1\n# EOF\n") - begin);
}

TEST(OpenMetricsTest, NothingIsOnlyTheEnd) { EXPECT_EQ(OpenMetrics().Finish(), "# EOF\n"); }

TEST(OpenMetricsTest, FamiliesHaveTypeUnitAndHelp) {
  OpenMetrics metrics;
  metrics.Begin({.name = "cache", .unit = "bytes", .help = "Bytes in \"it\".\nAll \\ of them."});
  metrics.Add({{"cache", "dns"}, {"level", "1"}}, uint64_t{4096});
  metrics.Begin({.name = "cache_misses", .type = OpenMetrics::Type::kCounter});
  metrics.Add({}, std::numeric_limits<uint64_t>::max());
  metrics.Begin({.name = "build", .type = OpenMetrics::Type::kInfo});
  metrics.Add({{"version", "0.1"}}, kOne);
  EXPECT_EQ(std::move(metrics).Finish(),
            "# TYPE cache_bytes gauge\n"
            "# UNIT cache_bytes bytes\n"
            "# HELP cache_bytes Bytes in \\\"it\\\".\\nAll \\\\ of them.\n"
            "cache_bytes{cache=\"dns\",level=\"1\"} 4096\n"
            "# TYPE cache_misses counter\n"
            "cache_misses_total 18446744073709551615\n"
            "# TYPE build info\n"
            "build_info{version=\"0.1\"} 1\n"
            "# EOF\n");
}

TEST(OpenMetricsTest, NumbersThatAreNotFinite) {
  OpenMetrics metrics;
  metrics.Begin({.name = "g"});
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.25, 1e300, -2.0, kInfinity, -kInfinity}) metrics.Add({}, value);
  metrics.Add({}, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(std::move(metrics).Finish(),
            "# TYPE g gauge\ng 0.25\ng 1e+300\ng -2\ng +Inf\ng -Inf\ng NaN\n# EOF\n");
}

TEST(OpenMetricsTest, LabelsAreEscaped) {
  EXPECT_EQ(SampleWith("plain"), "plain");
  EXPECT_EQ(SampleWith(""), "");
  EXPECT_EQ(SampleWith("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
  EXPECT_EQ(SampleWith("\\n"), "\\\\n");
}

TEST(OpenMetricsTest, BytesThatAreNotUtf8AreReplaced) {
  const std::string replaced = "\xef\xbf\xbd";
  for (const char* good :
       {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xc2\x80",
        "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80"}) {
    EXPECT_EQ(SampleWith(good), good);
  }
  EXPECT_EQ(SampleWith("a\xff"
                       "b"),
            "a" + replaced + "b");
  EXPECT_EQ(SampleWith("\xc3"), replaced) << "cut short";
  EXPECT_EQ(SampleWith("\xc3\""), replaced + "\\\"") << "the quote is not swallowed";
  EXPECT_EQ(SampleWith("\xe2\x82"), replaced + replaced);
  EXPECT_EQ(SampleWith("\xc0\x80"), replaced + replaced) << "overlong";
  EXPECT_EQ(SampleWith("\xc1\xbf"), replaced + replaced);
  EXPECT_EQ(SampleWith("\xe0\x9f\xbf"), replaced + replaced + replaced);
  EXPECT_EQ(SampleWith("\xf0\x8f\xbf\xbf"), replaced + replaced + replaced + replaced);
  EXPECT_EQ(SampleWith("\xed\xa0\x80"), replaced + replaced + replaced) << "a surrogate";
  EXPECT_EQ(SampleWith("\xf4\x90\x80\x80"), replaced + replaced + replaced + replaced);
  EXPECT_EQ(SampleWith("\xf5"), replaced);
  EXPECT_EQ(SampleWith("\x80"), replaced);
}

}  // namespace
}  // namespace inlay
