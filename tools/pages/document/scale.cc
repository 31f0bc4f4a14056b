#include "tools/pages/document/scale.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace inlay::page {
namespace {

// The smallest of 1, 2, 5, 10, ... times a power of ten that is at least `step`.
double RoundStep(double step) {
  const double power = std::pow(10, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step * 0.999) return factor * power;
  }
  return 10 * power;
}

}  // namespace

Scale Scale::Linear(double least, double most, double from, double to, int steps) {
  Scale scale;
  // A single value needs a scale too.
  if (!(most > least)) most = least + 1;
  scale.step_ = RoundStep((most - least) / steps);
  scale.least_ = least;
  scale.most_ = most;
  scale.from_ = from;
  scale.to_ = to;
  return scale;
}

Scale Scale::LinearToTick(double least, double most, double from, double to, int steps) {
  Scale scale = Linear(least, most, from, to, steps);
  scale.most_ = std::ceil(scale.most_ / scale.step_ - 1e-9) * scale.step_;
  return scale;
}

Scale Scale::Logarithmic(double least, double most, double from, double to) {
  Scale scale;
  scale.logarithmic_ = true;
  if (!(most > least)) {
    least /= 2;
    most *= 2;
  }
  scale.least_ = least;
  scale.most_ = most;
  scale.from_ = from;
  scale.to_ = to;
  return scale;
}

double Scale::At(double value) const {
  const double inside = std::clamp(value, least_, most_);
  const double part = logarithmic_ ? std::log(inside / least_) / std::log(most_ / least_)
                                   : (inside - least_) / (most_ - least_);
  return from_ + part * (to_ - from_);
}

std::vector<double> Scale::Ticks() const {
  std::vector<double> ticks;
  if (!logarithmic_) {
    for (double k = std::ceil(least_ / step_ - 1e-9); k * step_ <= most_ + step_ * 1e-9; ++k) {
      ticks.push_back(k * step_);
    }
    return ticks;
  }
  const int first = static_cast<int>(std::floor(std::log10(least_) + 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(most_) + 1e-9));
  // Powers of ten; 2 and 5 times them as well where these are few; only some where they are many.
  const bool fine = std::log10(most_ / least_) < 2.5;
  constexpr int kMostTicks = 6;
  const int stride = (last - first) / kMostTicks + 1;
  for (int power = first; power <= last; power += fine ? 1 : stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1 && !fine) break;
      const double tick = factor * std::pow(10, power);
      if (tick >= least_ * 0.999 && tick <= most_ * 1.001) ticks.push_back(tick);
    }
  }
  return ticks;
}

std::string TickLabel(double value) {
  const double size = std::abs(value);
  if (size >= 1e6) return absl::StrFormat("%gM", value / 1e6);
  if (size >= 1e4) return absl::StrFormat("%gk", value / 1e3);
  if (size < 1e-9) return "0";
  return absl::StrFormat("%.4g", value);
}

}  // namespace inlay::page
