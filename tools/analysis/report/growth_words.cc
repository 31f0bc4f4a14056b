#include "tools/analysis/report/growth_words.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/analysis/growth/growth_law.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analysis {
namespace {

// In-order and random-order values differ notably by this factor.
constexpr double kNotable = 1.25;
// An exponent nearer to 0 means a logarithm.
constexpr double kMinExponent = 0.001;

std::string Digits(double number, int digits) { return absl::StrFormat("%.*g", digits, number); }

double Rounded(double number, int digits) {
  double rounded = number;
  return absl::SimpleAtod(Digits(number, digits), &rounded) ? rounded : number;
}

// Whether `law`, printed with `digits` digits, gives the same numbers for `records` records and for
// ten times as many.
bool IsPrecise(const GrowthLaw& law, double records, int digits) {
  constexpr double kTolerance = 1e-3;
  const GrowthLaw listed = {Rounded(law.fixed_values, digits), Rounded(law.factor, digits),
                            Rounded(law.exponent, digits)};
  for (const double at : {records, 10 * records}) {
    const double truth = DistinctBy(law, at);
    if (std::abs(DistinctBy(listed, at) - truth) > kTolerance * std::abs(truth)) return false;
  }
  return true;
}

}  // namespace

std::string LawWords(const GrowthLaw& law, double records) {
  const double today = DistinctBy(law, records);
  if (law.factor == 0 || law.exponent == 0) {
    const std::string values = numbers::GroupedWhole(today);
    return absl::StrCat(values, values == "1" ? " value" : " values", ", however many records");
  }
  constexpr int kLeastDigits = 6;
  constexpr int kMostDigits = 15;
  if (std::abs(law.exponent) < kMinExponent) {
    const double slope = law.factor * law.exponent * std::pow(records, law.exponent);
    return absl::StrCat("distinct = ", Digits(today, kLeastDigits), slope < 0 ? " - " : " + ",
                        Digits(std::abs(slope), kLeastDigits), " * ln(records / ",
                        Digits(records, kMostDigits), ")");
  }
  int digits = kLeastDigits;
  while (digits < kMostDigits && !IsPrecise(law, records, digits)) ++digits;
  std::string words = "distinct = ";
  constexpr double kNothing = 1e-6;  // of the values: rounding
  if (std::abs(law.fixed_values) > kNothing * std::abs(today)) {
    absl::StrAppend(&words, Digits(law.fixed_values, digits), law.factor < 0 ? " - " : " + ");
  } else if (law.factor < 0) {
    words += "-";
  }
  return absl::StrCat(words, Digits(std::abs(law.factor), digits), " * records^",
                      Digits(law.exponent, digits));
}

std::string OrderWords(const Growth& growth) {
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
        "The order matters: after the first ", numbers::GroupedWhole(growth.points[at].records),
        " records came ", numbers::GroupedWhole(measured),
        " new values, and in random order it would have been ", numbers::GroupedWhole(expected),
        ". Either the input is sorted, or new values keep coming as time goes on.");
  }
  if (expected > kNotable * measured && expected - measured > chance) {
    return absl::StrCat(
        "The order matters: after the first ", numbers::GroupedWhole(growth.points[at].records),
        " records came only ", numbers::GroupedWhole(measured),
        " new values, and in random order it would have been ", numbers::GroupedWhole(expected),
        ". Most values appear early, and fewer of them later.");
  }
  return "The order matters little: records in random order would have met values as fast.";
}

std::string ChurnWords(const Growth& growth) {
  double appeared = 0;
  double distinct = 0;
  for (size_t i = 1; i < growth.snapshots.size(); ++i) {
    appeared += static_cast<double>(growth.snapshots[i].appeared);
    distinct += static_cast<double>(growth.snapshots[i].distinct);
  }
  const Snapshot& last = growth.snapshots.back();
  std::string text = absl::StrCat(
      "Churn: ", numbers::GroupedDecimal(distinct == 0 ? 0 : 100 * appeared / distinct, 1),
      " % of a snapshot's values were not in the one before it. A table that never ",
      "reclaims dead values would hold at most the ", numbers::Grouped(last.distinct_so_far),
      " values so far");
  if (last.distinct_so_far > last.distinct) {
    absl::StrAppend(
        &text, ", ",
        numbers::GroupedDecimal(
            static_cast<double>(last.distinct_so_far) / static_cast<double>(last.distinct), 1),
        "x those of the last snapshot");
  }
  return text + ".";
}

std::string ForecastOrderWords(const Growth& growth) {
  if (growth.within_last_snapshot) {
    return "The law and the forecasts use the last snapshot's records in random order. The "
           "snapshots cannot show how values grow with records: they are fewer than three, are "
           "too similar in size, or have fewer values with more records.";
  }
  if (growth.order == Growth::Order::kInput && !growth.law.has_value() &&
      !growth.forecasts.empty()) {
    return "The forecasts use the records in random order. The records cannot show how values "
           "grow in this order: they are too few, or their values are a sample.";
  }
  return "";
}

}  // namespace inlay::analysis
