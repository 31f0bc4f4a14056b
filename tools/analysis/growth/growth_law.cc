#include "tools/analysis/growth/growth_law.h"

#include <algorithm>
#include <cmath>

namespace inlay::analysis {
namespace {

// (ratio^exponent - 1) / exponent: how the law grows from 1 to `ratio`, where its slope at 1 is 1.
double Stretch(double ratio, double exponent) {
  const double log_ratio = std::log(ratio);
  return std::abs(exponent) < 1e-9 ? log_ratio : std::expm1(exponent * log_ratio) / exponent;
}

}  // namespace

double DistinctBy(const GrowthLaw& law, double records) {
  return law.fixed_values + law.factor * std::pow(records, law.exponent);
}

GrowthLaw LawThrough(const GrowthPoint& base, const GrowthPoint& middle, const GrowthPoint& far) {
  const double wanted = (middle.distinct - base.distinct) / (far.distinct - base.distinct);
  if (!std::isfinite(wanted)) return {base.distinct, 0, 0};
  const auto part_at_middle = [&](double exponent) {
    return Stretch(middle.records / base.records, exponent) /
           Stretch(far.records / base.records, exponent);
  };
  // Forwards the part falls with the exponent, backwards it rises.
  const bool falls = far.records > base.records;
  double low = kLeastExponent;
  double high = kMostExponent;
  constexpr int kSteps = 60;
  for (int step = 0; step < kSteps; ++step) {
    const double exponent = (low + high) / 2;
    ((part_at_middle(exponent) > wanted) == falls ? low : high) = exponent;
  }
  double exponent = (low + high) / 2;
  if (std::abs(exponent) < 1e-6) exponent = 1e-6;  // the limit is a logarithm
  GrowthLaw law;
  law.exponent = exponent;
  law.factor = (far.distinct - base.distinct) /
               (std::pow(base.records, exponent) *
                std::expm1(exponent * std::log(far.records / base.records)));
  law.fixed_values = base.distinct - law.factor * std::pow(base.records, exponent);
  return law;
}

PowerLawFit FitPowerLaw(std::span<const GrowthPoint> points) {
  const auto count = static_cast<double>(points.size());
  double x_mean = 0;
  double y_mean = 0;
  for (const GrowthPoint& point : points) {
    x_mean += std::log(point.records) / count;
    y_mean += std::log(point.distinct) / count;
  }
  double xx = 0;
  double xy = 0;
  for (const GrowthPoint& point : points) {
    const double x = std::log(point.records) - x_mean;
    xx += x * x;
    xy += x * (std::log(point.distinct) - y_mean);
  }
  PowerLawFit fit;
  const double slope = xy / xx;
  fit.law.exponent = std::clamp(slope, 0.0, kMostExponent);
  constexpr double kTolerance = 1e-9;  // for rounding
  fit.exponent_clamped = std::abs(slope - fit.law.exponent) > kTolerance;
  fit.law.factor = std::exp(y_mean - fit.law.exponent * x_mean);
  double squares = 0;
  for (const GrowthPoint& point : points) {
    const double left = std::log(point.distinct / DistinctBy(fit.law, point.records));
    squares += left * left;
  }
  fit.residual_sd = std::sqrt(squares / (count - 2));
  fit.spread_log_records = xx;
  return fit;
}

}  // namespace inlay::analysis
