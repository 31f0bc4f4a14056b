#include "tools/analysis/report/growth_text.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/analysis/report/growth_words.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/printable.h"
#include "tools/pages/numbers/text_table.h"

namespace inlay::analysis {
namespace {

using enum numbers::TextTable::Align;
constexpr size_t kMaxListedPoints = 5;
constexpr size_t kMaxListedSnapshots = 20;
constexpr size_t kMaxNameBytes = 40;

std::string Width(const std::optional<int>& bits) {
  return bits.has_value() ? absl::StrCat(*bits) : "none";
}

std::string WidthOrNone(const std::optional<int>& bits) {
  return bits.has_value() ? absl::StrCat(*bits, " bits") : "no index is wide enough";
}

// "2x"
std::string Times(double times) { return absl::StrCat(numbers::GroupedDecimal(times, 0), "x"); }

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
  numbers::TextTable table({kRight, kRight, kRight, kRight});
  table.AddRow({"records", "distinct", in_order ? "in random order" : ""});
  // Of the input there may be a point close to the end besides the doublings.
  const size_t first = growth.points.size() - std::min(growth.points.size(), kMaxListedPoints);
  for (size_t i = first; i < growth.points.size(); ++i) {
    table.AddRow({numbers::GroupedWhole(growth.points[i].records),
                  numbers::GroupedWhole(growth.points[i].distinct),
                  in_order ? numbers::GroupedWhole(growth.random_order[i].distinct) : ""});
  }
  return table.Format();
}

std::string SnapshotTable(const Growth& growth) {
  numbers::TextTable table({kLeft, kRight, kRight, kRight, kRight, kRight});
  table.AddRow({"snapshot", "records", "distinct", "new", "gone", "so far"});
  const size_t first =
      growth.snapshots.size() - std::min(growth.snapshots.size(), kMaxListedSnapshots);
  for (size_t i = first; i < growth.snapshots.size(); ++i) {
    const Snapshot& snapshot = growth.snapshots[i];
    table.AddRow(
        {snapshot.name.empty() ? "(empty)" : numbers::Printable(snapshot.name, kMaxNameBytes),
         numbers::Grouped(snapshot.records), numbers::Grouped(snapshot.distinct),
         i == 0 ? "-" : numbers::Grouped(snapshot.appeared),
         i == 0 ? "-" : numbers::Grouped(snapshot.disappeared),
         numbers::Grouped(snapshot.distinct_so_far)});
  }
  std::string text = table.Format();
  if (first > 0)
    absl::StrAppend(&text, "  ", numbers::Grouped(first), " before them; --json has them all\n");
  return text;
}

std::string ForecastTable(const Growth& growth) {
  numbers::TextTable table(
      {kRight, kRight, kRight, kRight, kRight, kRight, kRight, kRight, kRight});
  table.AddRow(
      {"more", "records", "distinct", "19 of 20 times", "bits", "over 9", "10", "12", "16"});
  for (const GrowthForecast& forecast : growth.forecasts) {
    std::vector<std::string> row = {
        Times(forecast.times), numbers::GroupedWhole(forecast.records),
        numbers::GroupedWhole(forecast.distinct),
        absl::StrCat(numbers::GroupedWhole(forecast.distinct_low), " to ",
                     numbers::GroupedWhole(forecast.distinct_high)),
        forecast.index_bits == forecast.index_bits_high
            ? Width(forecast.index_bits)
            : absl::StrCat(Width(forecast.index_bits), " to ", Width(forecast.index_bits_high))};
    for (const WidthOverflow& overflow : forecast.overflow) {
      const int bits = overflow.index_bits;
      if (bits == 9 || bits == 10 || bits == 12 || bits == 16) {
        row.push_back(numbers::Probability(overflow.probability));
      }
    }
    table.AddRow(std::move(row));
  }
  return table.Format();
}

// Sentences as lines of the report.
std::string Lines(const std::string& words) {
  return words.empty() ? ""
                       : absl::StrCat("  ", absl::StrReplaceAll(words, {{"\n", "\n  "}}), "\n");
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

// What the law and the forecasts start from.
double RecordsToday(const Growth& growth) {
  return growth.snapshots.empty() ? growth.points.back().records
                                  : static_cast<double>(growth.snapshots.back().records);
}

}  // namespace

std::string FormatGrowth(const Growth& growth, std::optional<int> index_bits) {
  if (growth.points.empty() || growth.points.back().records < 2) return "";
  std::string text = "\n" + Title(growth);
  text += growth.order == Growth::Order::kSnapshots ? SnapshotTable(growth) : PointTable(growth);
  text += "\n" + ForecastTable(growth);
  if (growth.law.has_value()) {
    absl::StrAppend(&text, "  Law: ", LawWords(*growth.law, RecordsToday(growth)), ".\n");
  }
  text += WidthSentence(growth, index_bits);
  if (growth.order == Growth::Order::kInput) text += Lines(OrderWords(growth));
  if (growth.order == Growth::Order::kSnapshots) text += Lines(ChurnWords(growth));
  return text + Lines(ForecastOrderWords(growth));
}

}  // namespace inlay::analysis
