// Draws values, as numbers, from known distributions, for properties that hold for all kinds of
// data.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_GROWTH_DRAWN_VALUES_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_GROWTH_DRAWN_VALUES_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace inlay::analysis {

using Draw = std::function<uint64_t(std::mt19937_64&)>;

// From 0 up to 1. The same on every machine, unlike the standard library's.
inline double Uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) / static_cast<double>(uint64_t{1} << 53);
}

inline Draw AnyOf(uint64_t values) {
  return [values](std::mt19937_64& random) { return random() % values; };
}

// The i-th value with a weight of i^-exponent.
inline Draw Zipf(double exponent, size_t values) {
  auto sums = std::make_shared<std::vector<double>>(values);
  double sum = 0;
  for (size_t i = 0; i < values; ++i) {
    sum += std::pow(static_cast<double>(i + 1), -exponent);
    (*sums)[i] = sum;
  }
  return [sums](std::mt19937_64& random) {
    const double at = Uniform(random) * sums->back();
    return static_cast<uint64_t>(std::lower_bound(sums->begin(), sums->end(), at) - sums->begin());
  };
}

// Without an end: more than x with the probability x^(1 - exponent).
inline Draw EndlessZipf(double exponent) {
  return [exponent](std::mt19937_64& random) {
    return static_cast<uint64_t>(
        std::min(std::pow(1 - Uniform(random), -1 / (exponent - 1)), 1e18));
  };
}

// `share` of the records are all different.
inline Draw Mixed(double share, uint64_t values) {
  return [share, values](std::mt19937_64& random) {
    return Uniform(random) < share ? random() | uint64_t{1} << 63 : random() % values;
  };
}

// Nine of ten records have one of `few` values, the others one of `many`.
inline Draw TwoGroups(uint64_t few, uint64_t many) {
  return [few, many](std::mt19937_64& random) {
    return random() % 10 < 9 ? random() % few : few + random() % many;
  };
}

inline Draw Geometric(double probability) {
  return [probability](std::mt19937_64& random) {
    return static_cast<uint64_t>(std::log(1 - Uniform(random)) / std::log(1 - probability));
  };
}

inline Draw LogNormal(double mean, double deviation) {
  return [mean, deviation](std::mt19937_64& random) {
    // Box and Muller.
    const double radius = std::sqrt(-2 * std::log(1 - Uniform(random)));
    const double normal = radius * std::cos(2 * M_PI * Uniform(random));
    return static_cast<uint64_t>(std::exp(mean + deviation * normal));
  };
}

// Several independent fields.
inline Draw Fields(const Draw& field, int fields, uint64_t values_of_field) {
  return [field, fields, values_of_field](std::mt19937_64& random) {
    uint64_t value = 0;
    for (int i = 0; i < fields; ++i) value = value * values_of_field + field(random);
    return value;
  };
}

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_GROWTH_DRAWN_VALUES_H_
