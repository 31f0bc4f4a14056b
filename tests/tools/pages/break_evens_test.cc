// The numbers of distinct values at which two layouts cost the same.

#include "tools/pages/analyze_page/break_evens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace inlay::analyze_page {
namespace {

using analysis::LayoutInput;

TEST(BreakEvensTest, AreTheFirstNumbersOfValuesThatCostAsMuch) {
  for (const uint64_t value_bytes : {1U, 8U, 16U, 100U, 1'000U, 65'536U}) {
    for (const uint64_t sockets : {16U, 700U, 3'000U}) {
      const LayoutInput input{sockets, value_bytes, 3, 0};
      for (const BreakEven& found : BreakEvens(input)) {
        std::optional<uint64_t> first;
        for (uint64_t distinct = 1; distinct <= sockets && !first.has_value(); ++distinct) {
          const auto costs = analysis::LayoutCosts(WithDistinct(input, distinct));
          const auto other = std::find_if(costs.begin(), costs.end(), [&](const auto& cost) {
            return cost.name == found.layout;
          });
          if (costs.back().total_bytes >= other->total_bytes) first = distinct;
        }
        EXPECT_EQ(found.distinct, first) << found.layout << " " << sockets << " " << value_bytes;
      }
    }
  }
}

TEST(BreakEvensTest, CountPrivateCopiesOfWhatTheWidestIndexCannotName) {
  const LayoutInput input{1'000'000, 100, 500, 0};
  EXPECT_EQ(WithDistinct(input, 65'534).spilled_sockets, 0U);
  EXPECT_EQ(WithDistinct(input, 131'068).spilled_sockets, 500'000U);
  // So many sockets that nearly all have a private copy if all differ.
  const LayoutInput many{100'000'000, 100, 500, 0};
  const auto found = BreakEvens(many);
  ASSERT_EQ(found.size(), 4U);
  for (const BreakEven& even : found) {
    ASSERT_TRUE(even.distinct.has_value()) << even.layout;
    const auto index_over = [&](uint64_t distinct) {
      const auto costs = analysis::LayoutCosts(WithDistinct(many, distinct));
      const auto other = std::find_if(costs.begin(), costs.end(),
                                      [&](const auto& cost) { return cost.name == even.layout; });
      return static_cast<double>(costs.back().total_bytes) -
             static_cast<double>(other->total_bytes);
    };
    EXPECT_GE(index_over(*even.distinct), 0) << even.layout;
    EXPECT_LT(index_over(*even.distinct - 1), 0) << even.layout;
  }
}

TEST(BreakEvensTest, StepsGoFromOneToAllSockets) {
  for (const uint64_t sockets :
       {uint64_t{1}, uint64_t{2}, uint64_t{1'000'000}, uint64_t{1} << 60}) {
    const std::vector<uint64_t> steps = DistinctSteps(sockets);
    EXPECT_EQ(steps.front(), 1U);
    EXPECT_EQ(steps.back(), sockets);
    EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
    EXPECT_LE(steps.size(), 120U);
  }
}

}  // namespace
}  // namespace inlay::analyze_page
