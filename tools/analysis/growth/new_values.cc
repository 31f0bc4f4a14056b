#include "tools/analysis/growth/new_values.h"

#include <cmath>
#include <functional>

namespace inlay::analysis {
namespace {

constexpr double kLeastScale = 0.03;
constexpr double kMostScale = 5;
constexpr double kLeastShape = 1e-6;
constexpr double kMostShapeTimesScale = 100;

// The argument between `low` and `high` that maximizes `of`, which must have one peak:
// golden-section search.
double Argmax(double low, double high, int steps, const std::function<double(double)>& of) {
  constexpr double kGolden = 0.6180339887498949;
  double left = high - kGolden * (high - low);
  double right = low + kGolden * (high - low);
  double at_left = of(left);
  double at_right = of(right);
  for (int step = 0; step < steps; ++step) {
    if (at_left < at_right) {
      low = left;
      left = right;
      at_left = at_right;
      right = low + kGolden * (high - low);
      at_right = of(right);
    } else {
      high = right;
      right = left;
      at_right = at_left;
      left = high - kGolden * (high - low);
      at_left = of(left);
    }
  }
  return (low + high) / 2;
}

// The values that the model expects twice and three times, for each that occurs once.
struct Ratios {
  double twice = 0;
  double thrice = 0;

  Ratios(double shape, double scale)
      : twice(scale * shape / 2), thrice(twice * scale * (shape + 1) / 3) {}
};

double LogLikelihood(const RareValues& seen, double shape, double scale) {
  const Ratios ratios(shape, scale);
  double sum = -(seen.once + seen.twice + seen.thrice) * std::log1p(ratios.twice + ratios.thrice);
  if (seen.twice > 0) sum += seen.twice * std::log(ratios.twice);
  if (seen.thrice > 0) sum += seen.thrice * std::log(ratios.thrice);
  return sum;
}

double BestShape(const RareValues& seen, double scale) {
  constexpr int kSteps = 40;
  return std::exp(
      Argmax(std::log(kLeastShape), std::log(kMostShapeTimesScale / scale), kSteps,
             [&](double log_shape) { return LogLikelihood(seen, std::exp(log_shape), scale); }));
}

// (1 - e^(-rate * further)) / rate
double Saturating(double rate, double further) {
  return rate < 1e-12 ? further : -std::expm1(-rate * further) / rate;
}

}  // namespace

NewValues::NewValues(const RareValues& seen) {
  constexpr int kSteps = 25;
  // The prior favors scale 1, a power law. Few values hardly move it.
  const auto posterior = [&](double log_scale) {
    const double scale = std::exp(log_scale);
    return LogLikelihood(seen, BestShape(seen, scale), scale) - log_scale * log_scale / 2;
  };
  scale_ = std::exp(Argmax(std::log(kLeastScale), std::log(kMostScale), kSteps, posterior));
  shape_ = BestShape(seen, scale_);
  const Ratios ratios(shape_, scale_);
  once_ = (seen.once + seen.twice + seen.thrice) / (1 + ratios.twice + ratios.thrice);
}

double NewValues::Expected(double further) const {
  const double exponent = 1 - shape_;
  const double stretch = std::log1p(scale_ * further);
  if (std::abs(exponent) < 1e-9) return once_ * stretch / scale_;
  return once_ * std::expm1(exponent * stretch) / (scale_ * exponent);
}

double NewValues::Least(double further) const {
  return once_ * Saturating(scale_ * shape_, further);
}

double NewValues::Most(double further) const {
  const double share = shape_ / (shape_ + 1);  // of the values seen once, those not at rate zero
  return once_ * ((1 - share) * further + share * Saturating(scale_ * (shape_ + 1), further));
}

}  // namespace inlay::analysis
