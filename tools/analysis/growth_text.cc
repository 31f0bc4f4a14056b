#include "tools/analysis/growth_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "tools/analysis/shown_numbers.h"
#include "tools/analysis/text_table.h"

namespace inlay::analysis {
namespace {

constexpr auto kLeft = TextTable::Align::kLeft;
constexpr auto kRight = TextTable::Align::kRight;
constexpr size_t kShownPoints = 5;
constexpr size_t kShownSnapshots = 20;
constexpr size_t kShownNameBytes = 40;
// In-order and random-order values differ notably by this factor.
constexpr double kNotable = 1.25;

std::string Values(double number) { return GroupedDecimal(std::round(number), 0); }

std::string Width(const std::optional<int>& bits) {
  return bits.has_value() ? absl::StrCat(*bits) : "none";
}

std::string WidthOrNone(const std::optional<int>& bits) {
  return bits.has_value() ? absl::StrCat(*bits, " bits") : "no index is wide enough";
}

std::string Probability(double probability) {
  if (probability <= 0) return "0 %";
  if (probability >= 1) return "100 %";
  const double percent = 100 * probability;
  if (percent < 0.1) return "< 0.1 %";
  if (percent > 99.9) return "> 99.9 %";
  return absl::StrCat(GroupedDecimal(percent, 1), " %");
}

// "2x"
std::string Times(double times) { return absl::StrCat(GroupedDecimal(times, 0), "x"); }

std::string Title(const Growth& growth) {
  switch (growth.order) {
    case Growth::Order::kRandom:
      return "Growth: distinct values among a part of the records, in random order; and with "
             "more\n";
    case Growth::Order::kInput:
      return "Growth: distinct values among the first records of the input, in its order; and with "
             "more\n";
    case Growth::Order::kSnapshots:
      return "Growth: snapshots of the same sockets; all other figures are of the last one\n";
  }
  return "";
}

// The last few halvings.
std::string PointTable(const Growth& growth) {
  const bool in_order = growth.order == Growth::Order::kInput;
  TextTable table({kRight, kRight, kRight, kRight});
  table.AddRow({"records", "distinct", in_order ? "in random order" : ""});
  // Of the input there may be a point close to the end besides the doublings.
  const size_t first = growth.points.size() - std::min(growth.points.size(), kShownPoints);
  for (size_t i = first; i < growth.points.size(); ++i) {
    table.AddRow({Values(growth.points[i].records), Values(growth.points[i].distinct),
                  in_order ? Values(growth.random_order[i].distinct) : ""});
  }
  return table.Format();
}

std::string SnapshotTable(const Growth& growth) {
  TextTable table({kLeft, kRight, kRight, kRight, kRight, kRight});
  table.AddRow({"snapshot", "records", "distinct", "new", "gone", "so far"});
  const size_t first = growth.snapshots.size() - std::min(growth.snapshots.size(), kShownSnapshots);
  for (size_t i = first; i < growth.snapshots.size(); ++i) {
    const Snapshot& snapshot = growth.snapshots[i];
    table.AddRow({snapshot.name.empty() ? "(empty)" : Printable(snapshot.name, kShownNameBytes),
                  Grouped(snapshot.records), Grouped(snapshot.distinct),
                  i == 0 ? "-" : Grouped(snapshot.appeared),
                  i == 0 ? "-" : Grouped(snapshot.disappeared), Grouped(snapshot.distinct_so_far)});
  }
  std::string text = table.Format();
  if (first > 0)
    absl::StrAppend(&text, "  ", Grouped(first), " before them; --json has them all\n");
  return text;
}

std::string ForecastTable(const Growth& growth) {
  TextTable table({kRight, kRight, kRight, kRight, kRight, kRight, kRight, kRight, kRight});
  table.AddRow(
      {"more", "records", "distinct", "19 of 20 times", "bits", "over 9", "10", "12", "16"});
  for (const GrowthForecast& forecast : growth.forecasts) {
    std::vector<std::string> row = {
        Times(forecast.times), Values(forecast.records), Values(forecast.distinct),
        absl::StrCat(Values(forecast.distinct_low), " to ", Values(forecast.distinct_high)),
        forecast.index_bits == forecast.index_bits_high
            ? Width(forecast.index_bits)
            : absl::StrCat(Width(forecast.index_bits), " to ", Width(forecast.index_bits_high))};
    for (const WidthOverflow& overflow : forecast.overflow) {
      const int bits = overflow.index_bits;
      if (bits == 9 || bits == 10 || bits == 12 || bits == 16) {
        row.push_back(Probability(overflow.probability));
      }
    }
    table.AddRow(std::move(row));
  }
  return table.Format();
}

std::string LawText(const GrowthLaw& law) {
  if (law.factor == 0 || law.exponent == 0) {
    return absl::StrCat("  Law: ", Values(law.fixed_values + law.factor),
                        " values, however many records.\n");
  }
  std::string text = "  Law: distinct = ";
  if (std::abs(law.fixed_values) >= 0.5) {
    absl::StrAppend(&text, GroupedDecimal(law.fixed_values, 0), law.factor < 0 ? " - " : " + ");
  } else if (law.factor < 0) {
    text += "-";
  }
  const double factor = std::abs(law.factor);
  absl::StrAppend(&text,
                  factor < 1e7 && factor >= 0.01 ? GroupedDecimal(factor, 2) : absl::StrCat(factor),
                  " * records^", GroupedDecimal(law.exponent, 2));
  return text + ".\n";
}

// "10 bits today, 12 bits with 2x growth"
std::string WidthSentence(const Growth& growth, const std::optional<int>& index_bits) {
  if (!index_bits.has_value() && std::none_of(growth.forecasts.begin(), growth.forecasts.end(),
                                              [](const GrowthForecast& forecast) {
                                                return forecast.index_bits.has_value();
                                              })) {
    return "  Index width: no index is wide enough, today or with growth.\n";
  }
  std::string text = absl::StrCat("  Index width: ", WidthOrNone(index_bits), " today");
  for (const GrowthForecast& forecast : growth.forecasts) {
    absl::StrAppend(&text, ", ", WidthOrNone(forecast.index_bits), " with ", Times(forecast.times),
                    " growth");
    if (forecast.index_bits_high != forecast.index_bits) {
      absl::StrAppend(&text, " (perhaps ",
                      forecast.index_bits_high.has_value() ? absl::StrCat(*forecast.index_bits_high)
                                                           : "none wide enough",
                      ")");
    }
  }
  return text + ".\n";
}

std::string OrderSentence(const Growth& growth) {
  // Where half of the records have been read.
  const double half = growth.points.back().records / 2;
  size_t at = 0;
  while (at + 1 < growth.points.size() && growth.points[at + 1].records <= half) ++at;
  const double all = growth.points.back().distinct;
  const double measured = all - growth.points[at].distinct;
  const double expected = all - growth.random_order[at].distinct;
  // Chance moves both by about the root of their number.
  const double chance = 2 * std::sqrt(std::max(measured, expected) + 1);
  if (measured > kNotable * expected && measured - expected > chance) {
    return absl::StrCat(
        "  The order matters: after the first ", Values(growth.points[at].records),
        " records came ", Values(measured),
        " new values, and in random order\n  it would have been ", Values(expected),
        ". Either the input is sorted, or new values keep coming as time goes on.\n");
  }
  if (expected > kNotable * measured && expected - measured > chance) {
    return absl::StrCat("  The order matters: after the first ", Values(growth.points[at].records),
                        " records came only ", Values(measured),
                        " new values, and in random order\n  it would have been ", Values(expected),
                        ". Most values appear early, and fewer of them later.\n");
  }
  return "  The order matters little: records in random order would have met values as fast.\n";
}

std::string ChurnSentences(const Growth& growth) {
  double appeared = 0;
  double distinct = 0;
  for (size_t i = 1; i < growth.snapshots.size(); ++i) {
    appeared += static_cast<double>(growth.snapshots[i].appeared);
    distinct += static_cast<double>(growth.snapshots[i].distinct);
  }
  const Snapshot& last = growth.snapshots.back();
  std::string text =
      absl::StrCat("  Churn: ", GroupedDecimal(distinct == 0 ? 0 : 100 * appeared / distinct, 1),
                   " % of a snapshot's values were not in the one before it. A table that never\n",
                   "  reclaims dead values would hold at most the ", Grouped(last.distinct_so_far),
                   " values so far");
  if (last.distinct_so_far > last.distinct) {
    absl::StrAppend(
        &text, ", ",
        GroupedDecimal(
            static_cast<double>(last.distinct_so_far) / static_cast<double>(last.distinct), 1),
        "x those of the last snapshot");
  }
  text += ".\n";
  if (growth.within_last_snapshot) {
    text +=
        "  Law and forecasts are those of the last snapshot's records in random order: the "
        "snapshots are\n"
        "  fewer than three, or too alike in size, to show how values grow with records.\n";
  }
  return text;
}

}  // namespace

std::string FormatGrowth(const Growth& growth, std::optional<int> index_bits) {
  if (growth.points.empty() || growth.points.back().records < 2) return "";
  std::string text = "\n" + Title(growth);
  text += growth.order == Growth::Order::kSnapshots ? SnapshotTable(growth) : PointTable(growth);
  text += "\n" + ForecastTable(growth);
  if (growth.law.has_value()) text += LawText(*growth.law);
  text += WidthSentence(growth, index_bits);
  if (growth.order == Growth::Order::kInput) text += OrderSentence(growth);
  if (growth.order == Growth::Order::kSnapshots) text += ChurnSentences(growth);
  return text;
}

}  // namespace inlay::analysis
