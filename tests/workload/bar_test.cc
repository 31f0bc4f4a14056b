#include "engine/workload/bar.h"

#include <gtest/gtest.h>

namespace inlay::workload {
namespace {

const Measurements kMeasured = {{"a", 30},       {"b", 120},   {"touch", 20},
                                {"a_touch", 10}, {"same", 20}, {"a:bytes", 2.13}};

TEST(BarTest, RatioOfTimes) {
  EXPECT_DOUBLE_EQ(Bar::AtMost("a", "b", 0.3).Figure(kMeasured).value(), 0.25);
  EXPECT_EQ(Bar::AtMost("a", "b", 0.25).Met(kMeasured), true);
  EXPECT_EQ(Bar::AtMost("a", "b", 0.2).Met(kMeasured), false);
}

TEST(BarTest, RatioOverOneTouchAndOverTwo) {
  EXPECT_DOUBLE_EQ(Bar::OverTouch("a", "b", "touch", 1).Figure(kMeasured).value(), 0.1);
  EXPECT_DOUBLE_EQ(Bar::OverTouches("a", "a_touch", "b", "touch", 1).Figure(kMeasured).value(),
                   0.2);
}

TEST(BarTest, Counter) {
  EXPECT_DOUBLE_EQ(Bar::Counter("a", "bytes", 2.3).Figure(kMeasured).value(), 2.13);
  EXPECT_EQ(Bar::Counter("a", "bytes", 2).Met(kMeasured), false);
}

TEST(BarTest, WhatWasNotMeasuredIsNeitherMetNorMissed) {
  EXPECT_EQ(Bar::AtMost("a", "missing", 1).Met(kMeasured), std::nullopt);
  EXPECT_EQ(Bar::AtMost("missing", "a", 1).Met(kMeasured), std::nullopt);
  EXPECT_EQ(Bar::OverTouch("a", "b", "missing", 1).Met(kMeasured), std::nullopt);
  EXPECT_EQ(Bar::OverTouch("a", "same", "touch", 1).Met(kMeasured), std::nullopt)
      << "a cost of nothing is no measure";
  EXPECT_EQ(Bar::AtMost("missing", "a", 1).Describe(kMeasured), "bar not measured: missing / a");
}

TEST(BarTest, Description) {
  EXPECT_EQ(Bar::OverTouch("a", "b", "touch", 0.03).Describe(kMeasured),
            "bar: (a - touch) / (b - touch) = 0.100, limit 0.030: NOT MET");
}

TEST(BarTest, TextAndBack) {
  for (const char* text : {"a||b||0.25", "a|touch|b|touch|0.03", "a|a_touch|b|touch|2",
                           "Memory/index/x:1:bytes_per_socket||||2.3", "a|touch|||-1e-06"}) {
    const std::optional<Bar> bar = Bar::FromText(text);
    ASSERT_TRUE(bar.has_value()) << text;
    EXPECT_EQ(bar->ToText(), text);
  }
}

TEST(BarTest, WhatIsNoBar) {
  for (const char* text : {"", "a", "a||b|0.25", "||b||1", "a||b||", "a||b||one", "a||b||1x",
                           "a||b||nan", "a||b||inf", "a||b||1|", "a||b||1|2"}) {
    EXPECT_FALSE(Bar::FromText(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace inlay::workload
