#include "tools/analysis/growth/growth_forecast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/growth/growth_law.h"
#include "tools/analysis/growth/new_values.h"
#include "tools/analysis/growth/rarefaction.h"

namespace inlay::analysis {
namespace {

constexpr std::array<double, 2> kTimes = {2, 10};
constexpr int kFirstWidth = 9;
constexpr double kDeviations = 1.96;  // 19 of 20
constexpr double kMostDeviations = 6;

// The error of a forecast beyond its known sources, in ln of the new values.
constexpr double kLeastModelSd = 0.1;
constexpr double kLeastModelSdInOrder = 0.2;
// New values among twice the records, although the data shows no sign of any.
constexpr double kUnannounced = 0.05;

constexpr double kLeastRecordsForLaw = 10;
// The least ratio of snapshot sizes for fitting a law.
constexpr double kLeastSpan = 2;
constexpr size_t kLeastSnapshots = 3;

double NormalBelow(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

double Square(double number) { return number * number; }

std::optional<int> IndexBits(double distinct) {
  return distinct > 1e9 ? std::nullopt : SmallestIndexBits(static_cast<uint64_t>(distinct));
}

// Smallest n with P(Poisson(mean) > n) <= P(N(0, 1) > z).
double PoissonQuantile(double mean, double z) {
  // Above this mean P(0) nears underflow, and the Cornish-Fisher expansion errs by about one value.
  constexpr double kMostSummed = 500;
  if (mean > kMostSummed) return std::ceil(mean + z * std::sqrt(mean) + (z * z - 1) / 6);
  const double above = NormalBelow(-z);
  double probability = std::exp(-mean);
  double left = 1 - probability;
  double number = 0;
  while (left > above && probability > 0) {
    number += 1;
    probability *= mean / number;
    left -= probability;
  }
  return number;
}

// The number of new values. Its ln is normal, with different deviations below and above.
struct Spread {
  double expected = 0;
  double low_sd = 0;
  double high_sd = 0;

  double Quantile(double z) const { return expected * std::exp(z * (z < 0 ? low_sd : high_sd)); }
};

// Adds new values to the `base` distinct ones, whose error is base.error; at most one per record.
GrowthForecast OnTopOf(const Figure& base, double times, double records, double expected,
                       const std::function<double(double)>& new_quantile) {
  const double most = std::max(records * times, base.value);
  return ForecastOf(times, records * times, std::min(base.value + expected, most), [&](double z) {
    const double off = new_quantile(z) - expected;
    const double of_base = z * base.error / kDeviations;
    // The two are independent, so their squares add up.
    const double together = std::copysign(std::hypot(off, of_base), base.error == 0 ? off : z);
    return std::clamp(base.value + expected + together, base.error == 0 ? base.value : 1.0, most);
  });
}

// For data without a sign of new values: some may come all the same. The second half of the records
// brought `past` values.
GrowthForecast Unannounced(const Figure& base, double times, double records, double past) {
  const double mean = (past + kUnannounced) * std::log2(times);
  return OnTopOf(base, times, records, 0,
                 [mean](double z) { return z < 0 ? 0 : PoissonQuantile(mean, z); });
}

GrowthLaw Constant(double distinct) { return {distinct, 0, 0}; }

// The evidence of random order: the rare values, and the deviation of each of the three numbers.
struct Seen {
  RareValues values;
  std::array<double, 3> sd = {};
};

Seen RareOf(const CopiesDistribution& copies) {
  const auto weight = static_cast<double>(copies.weight());
  std::array<double, 3> numbers = {};
  Seen seen;
  for (uint64_t times = 1; times <= numbers.size(); ++times) {
    const auto group = copies.by_copies().find(times);
    CopiesDistribution::Values values;
    if (group != copies.by_copies().end()) values = group->second;
    const auto known = static_cast<double>(values.known);
    const auto sampled = static_cast<double>(values.sampled);
    numbers[times - 1] = known + weight * sampled;
    seen.sd[times - 1] = std::sqrt(known + weight * weight * (sampled + 1));
  }
  seen.values = {numbers[0], numbers[1], numbers[2]};
  return seen;
}

// The variance of ln of the expectation when each number varies by its deviation.
template <size_t kCount>
double NoiseVariance(const std::array<double, kCount>& numbers,
                     const std::array<double, kCount>& sd,
                     const std::function<double(const std::array<double, kCount>&)>& expected) {
  const double log_expected = std::log(expected(numbers));
  double variance = 0;
  for (size_t i = 0; i < kCount; ++i) {
    std::array<double, kCount> more = numbers;
    more[i] += sd[i];
    std::array<double, kCount> less = numbers;
    less[i] *= numbers[i] / more[i];
    variance += (Square(std::log(expected(more)) - log_expected) +
                 Square(std::log(expected(less)) - log_expected)) /
                2;
  }
  return variance;
}

// Makes the same forecast from a part of the records: ln of its error for all of them.
double BacktestError(const CopiesDistribution& copies, double distinct, double times) {
  const double share = 1 / times;
  const RareValues then = {ExpectedWithCopies(copies, share, 1),
                           ExpectedWithCopies(copies, share, 2),
                           ExpectedWithCopies(copies, share, 3)};
  const double predicted = NewValues(then).Expected(times - 1);
  double came = distinct;
  for (const auto& [held, values] : copies.by_copies()) {
    came -= static_cast<double>(values.known + values.sampled * copies.weight()) *
            -std::expm1(static_cast<double>(held) * std::log1p(-share));
  }
  return came > 0 && predicted > 0 ? std::log(came / predicted) : 0;
}

Spread NewInRandomOrder(const CopiesDistribution& copies, const Seen& seen, double distinct,
                        double times) {
  const double further = times - 1;
  const NewValues model(seen.values);
  Spread spread;
  spread.expected = model.Expected(further);
  const double noise =
      NoiseVariance<3>({seen.values.once, seen.values.twice, seen.values.thrice}, seen.sd,
                       [further](const std::array<double, 3>& numbers) {
                         return NewValues({numbers[0], numbers[1], numbers[2]}).Expected(further);
                       });
  const double chance = 1 / spread.expected;  // of the records to come
  const double both =
      noise + chance + Square(kLeastModelSd) + Square(BacktestError(copies, distinct, times));
  // The extremes of the model count as two deviations.
  spread.low_sd = std::sqrt(both + Square(std::log(model.Least(further) / spread.expected) / 2));
  spread.high_sd = std::sqrt(both + Square(std::log(model.Most(further) / spread.expected) / 2));
  return spread;
}

// Law and forecasts for the records of `copies` in random order.
void ForecastInRandomOrder(const CopiesDistribution& copies, Growth* growth) {
  const Figure distinct = copies.distinct();
  const auto records = static_cast<double>(copies.records());
  const Seen seen = RareOf(copies);
  const bool has_law = records >= kLeastRecordsForLaw;
  if (seen.values.once == 0) {
    const double past =
        distinct.value - ExpectedDistinct(copies, std::max<uint64_t>(copies.records() / 2, 1));
    for (const double times : kTimes) {
      growth->forecasts.push_back(Unannounced(distinct, times, records, past));
    }
    if (has_law) growth->law = Constant(distinct.value);
    return;
  }
  std::vector<GrowthPoint> ahead;
  for (const double times : kTimes) {
    const Spread spread = NewInRandomOrder(copies, seen, distinct.value, times);
    const auto quantile = [&](double z) {
      // Fewer singletons may be chance: then no new values may come.
      constexpr double kChance = 4;
      const double sure =
          z < 0 && seen.values.once < kChance ? std::max(0.0, 1 + z / kDeviations) : 1;
      // Growth slows down, so it never exceeds the present rate, which the singletons give.
      const double most = seen.values.once + std::max(z, 2.0) * seen.sd[0];
      return std::min(sure * spread.Quantile(z), (times - 1) * most);
    };
    growth->forecasts.push_back(OnTopOf(distinct, times, records, spread.expected, quantile));
    ahead.push_back({records * times, distinct.value + spread.expected});
  }
  if (has_law) growth->law = LawThrough({records, distinct.value}, ahead[0], ahead[1]);
}

// The last of `points` with at most so many records; nothing if there is none.
const GrowthPoint* LastUpTo(std::span<const GrowthPoint> points, double records) {
  const GrowthPoint* found = nullptr;
  for (const GrowthPoint& point : points) {
    if (point.records <= records) found = &point;
  }
  return found;
}

// A law for the order of the input: through the last of the points, the last one at 0.7 of its
// records or before, and the last one at a quarter of those or before. The points do not fall.
struct InOrderLaw {
  GrowthPoint now;
  GrowthPoint middle;
  GrowthPoint far;

  double New(double times, double last_part, double part_before) const {
    const GrowthLaw law =
        LawThrough({now.records, now.distinct}, {middle.records, now.distinct - last_part},
                   {far.records, now.distinct - last_part - part_before});
    return DistinctBy(law, now.records * times) - now.distinct;
  }
  // The most new values among `times` as many records, z deviations off: they may come twice as
  // fast as lately, but not as fast as the first ones.
  double Most(double times, double z) const {
    const double lately = last_part() + std::max(z, 2.0) * std::sqrt(last_part() + 1);
    return 2 * (times - 1) * lately * now.records / (now.records - middle.records);
  }
  double last_part() const { return now.distinct - middle.distinct; }
  double part_before() const { return middle.distinct - far.distinct; }
};

std::optional<InOrderLaw> LawInOrder(std::span<const GrowthPoint> points) {
  constexpr double kMiddle = 0.7;
  constexpr double kFar = 0.25;  // of the middle
  const GrowthPoint& now = points.back();
  const GrowthPoint* middle = LastUpTo(points, now.records * kMiddle);
  const GrowthPoint* far = middle == nullptr ? nullptr : LastUpTo(points, middle->records * kFar);
  if (far == nullptr) return std::nullopt;
  return InOrderLaw{now, *middle, *far};
}

// ln of the error of a law fitted to the first 1 / times of the records.
double BacktestErrorInOrder(std::span<const GrowthPoint> points, double times) {
  const GrowthPoint& now = points.back();
  const GrowthPoint* then = LastUpTo(points, now.records / times);
  if (then == nullptr) return 0;
  const auto law = LawInOrder(points.first(static_cast<size_t>(then - points.data()) + 1));
  if (!law.has_value() || law->last_part() <= 0 || now.distinct <= then->distinct) return 0;
  const double predicted =
      law->New(now.records / then->records, law->last_part(), law->part_before());
  return std::log((now.distinct - then->distinct) / predicted);
}

// REQUIRES: the last part brought new values.
Spread NewInOrder(const InOrderLaw& law, std::span<const GrowthPoint> points,
                  const CopiesDistribution& copies, double times) {
  Spread spread;
  spread.expected = law.New(times, law.last_part(), law.part_before());
  const auto sd = [](double number) { return std::sqrt(std::max(number, 0.0) + 1); };
  const double noise = NoiseVariance<2>(
      {law.last_part(), law.part_before()}, {sd(law.last_part()), sd(law.part_before())},
      [&](const std::array<double, 2>& parts) { return law.New(times, parts[0], parts[1]); });
  const double chance = 1 / std::max(spread.expected, 1.0);
  const double both =
      noise + chance + Square(kLeastModelSdInOrder) + Square(BacktestErrorInOrder(points, times));
  spread.low_sd = spread.high_sd = std::sqrt(both);
  const Seen seen = RareOf(copies);
  if (seen.values.once > 0) {
    // Half the distance to the forecast of random order, in ln, widens the interval on that side.
    const double off = std::log(NewValues(seen.values).Expected(times - 1) / spread.expected) / 2;
    double& sd_there = off > 0 ? spread.high_sd : spread.low_sd;
    sd_there = std::sqrt(both + Square(off));
  }
  return spread;
}

void ForecastInOrder(const InOrderLaw& law, const CopiesDistribution& copies, Growth* growth) {
  const Figure distinct = {law.now.distinct, copies.distinct().error};
  // A floor: more records never have fewer values.
  std::function<double(double)> with_fewer_records = [](double) { return 0.0; };
  for (const double times : kTimes) {
    if (law.last_part() <= 0) {
      growth->forecasts.push_back(Unannounced(distinct, times, law.now.records, 0));
      continue;
    }
    const Spread spread = NewInOrder(law, growth->points, copies, times);
    const auto quantile = [spread, law, times, with_fewer_records](double z) {
      return std::max(with_fewer_records(z), std::min(spread.Quantile(z), law.Most(times, z)));
    };
    growth->forecasts.push_back(
        OnTopOf(distinct, times, law.now.records, spread.expected, quantile));
    with_fewer_records = quantile;
  }
}

// Quantile of Student's t distribution for the middle 19 of 20.
double StudentDeviations(size_t degrees_of_freedom) {
  constexpr std::array<double, 11> kTable = {0,     12.71, 4.303, 3.182, 2.776, 2.571,
                                             2.447, 2.365, 2.306, 2.262, 2.228};
  if (degrees_of_freedom < kTable.size()) return kTable[degrees_of_freedom];
  return kDeviations + 2.7 / static_cast<double>(degrees_of_freedom);
}

}  // namespace

GrowthForecast ForecastOf(double times, double records, double expected,
                          const std::function<double(double)>& quantile) {
  // Rounds to whole values, and ignores a rounding error above or below one.
  constexpr double kTolerance = 1e-6;
  GrowthForecast forecast;
  forecast.times = times;
  forecast.records = records;
  forecast.distinct = expected;
  forecast.distinct_low = std::floor(quantile(-kDeviations) + kTolerance);
  forecast.distinct_high = std::ceil(quantile(kDeviations) - kTolerance);
  forecast.index_bits = IndexBits(std::round(expected));
  forecast.index_bits_high = IndexBits(forecast.distinct_high);
  for (int bits = kFirstWidth; bits <= kMaxIndexBits; ++bits) {
    const auto capacity = static_cast<double>(IndexCapacity(bits)) + kTolerance;
    WidthOverflow overflow = {bits, 0};
    if (quantile(-kMostDeviations) > capacity) {
      overflow.probability = 1;
    } else if (quantile(kMostDeviations) > capacity) {
      double fits = -kMostDeviations;
      double does_not = kMostDeviations;
      constexpr int kSteps = 50;
      for (int step = 0; step < kSteps; ++step) {
        const double z = (fits + does_not) / 2;
        (quantile(z) > capacity ? does_not : fits) = z;
      }
      overflow.probability = NormalBelow(-does_not);
    }
    forecast.overflow.push_back(overflow);
  }
  return forecast;
}

Growth GrowthInRandomOrder(const CopiesDistribution& copies) {
  Growth growth;
  growth.order = Growth::Order::kRandom;
  growth.points = RarefactionCurve(copies);
  ForecastInRandomOrder(copies, &growth);
  return growth;
}

Growth GrowthInInputOrder(std::vector<GrowthPoint> points, const CopiesDistribution& copies) {
  Growth growth;
  growth.order = Growth::Order::kInput;
  growth.points = std::move(points);
  const double distinct = copies.distinct().value;
  const bool is_sample = copies.weight() > 1;
  if (is_sample) {
    // Each point is an estimate of its own, and one may be above a later one.
    double least = 0;
    for (GrowthPoint& point : growth.points) {
      least = std::min(std::max(point.distinct, least), distinct);
      point.distinct = least;
    }
  }
  growth.points.back().distinct = distinct;
  for (const GrowthPoint& point : growth.points) {
    growth.random_order.push_back(
        {point.records, ExpectedDistinct(copies, static_cast<uint64_t>(point.records))});
  }
  const std::optional<InOrderLaw> law = LawInOrder(growth.points);
  // In a sample, the difference between two points is mostly the difference of their errors.
  if (!law.has_value() || is_sample || law->now.records < kLeastRecordsForLaw) {
    ForecastInRandomOrder(copies, &growth);
    growth.law.reset();
    return growth;
  }
  growth.law = law->last_part() <= 0 ? Constant(law->now.distinct)
                                     : LawThrough(law->now, law->middle, law->far);
  ForecastInOrder(*law, copies, &growth);
  return growth;
}

Growth GrowthOfSnapshots(std::vector<Snapshot> snapshots, const CopiesDistribution& copies) {
  Growth growth;
  growth.order = Growth::Order::kSnapshots;
  growth.snapshots = std::move(snapshots);
  for (const Snapshot& snapshot : growth.snapshots) {
    growth.points.push_back(
        {static_cast<double>(snapshot.records), static_cast<double>(snapshot.distinct)});
  }
  std::stable_sort(
      growth.points.begin(), growth.points.end(),
      [](const GrowthPoint& a, const GrowthPoint& b) { return a.records < b.records; });
  const double most_records = growth.points.back().records;
  const bool has_law = growth.points.size() >= kLeastSnapshots &&
                       most_records >= kLeastRecordsForLaw &&
                       most_records >= kLeastSpan * growth.points.front().records;
  const PowerLawFit fit = has_law ? FitPowerLaw(growth.points) : PowerLawFit();
  if (!has_law || fit.exponent_clamped) {
    growth.within_last_snapshot = true;
    ForecastInRandomOrder(copies, &growth);
    return growth;
  }
  const auto records = static_cast<double>(growth.snapshots.back().records);
  const auto distinct = static_cast<double>(growth.snapshots.back().distinct);
  // A forecast for the last snapshot: the law has the exponent of all, and goes through its point.
  growth.law = GrowthLaw{.fixed_values = 0,
                         .factor = distinct / std::pow(records, fit.law.exponent),
                         .exponent = fit.law.exponent};
  std::function<double(double)> with_fewer_records = [distinct](double) { return distinct; };
  for (const double times : kTimes) {
    const double most = records * times;
    const double expected =
        std::clamp(distinct * std::pow(times, fit.law.exponent), distinct, most);
    // Both the last snapshot and the next one may deviate from the law.
    const double sd =
        std::sqrt(Square(fit.residual_sd) * (2 + Square(std::log(times)) / fit.spread_log_records) +
                  1 / expected) *
        StudentDeviations(growth.points.size() - 2) / kDeviations;
    const auto quantile = [=](double z) {
      return std::clamp(expected * std::exp(z * sd), with_fewer_records(z), most);
    };
    growth.forecasts.push_back(ForecastOf(times, most, expected, quantile));
    with_fewer_records = quantile;
  }
  return growth;
}

}  // namespace inlay::analysis
