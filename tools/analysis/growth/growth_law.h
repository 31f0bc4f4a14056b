// Fits laws of growth to points of a curve.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_LAW_H_
#define INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_LAW_H_

#include <span>

#include "tools/analysis/growth/growth.h"

namespace inlay::analysis {

inline constexpr double kLeastExponent = -8;
inline constexpr double kMostExponent = 1;

// The distinct values among `records` records by `law`.
double DistinctBy(const GrowthLaw& law, double records);

// The law through `base` and `far`, and as near to `middle` as the limits of the exponent allow.
// REQUIRES: base.records < middle.records < far.records or the other way round, and the same order
// of distinct, where `middle` may equal either.
GrowthLaw LawThrough(const GrowthPoint& base, const GrowthPoint& middle, const GrowthPoint& far);

// A power law factor * records^exponent, fitted by least squares to the logarithms, with the
// residual.
struct PowerLawFit {
  GrowthLaw law;
  double residual_sd = 0;  // of ln distinct, with as many degrees of freedom as points less two
  double spread_log_records = 0;  // of ln records, the sum of the squares about the mean
  // The least squares ask for an exponent below 0 or above 1, which no law of growth has; `law` has
  // the nearest one.
  bool exponent_clamped = false;
};

// REQUIRES: three points or more, not all of the same number of records, and nothing zero.
PowerLawFit FitPowerLaw(std::span<const GrowthPoint> points);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_LAW_H_
