// Forecasts the distinct values of more records: in random order, in the order of the input, or
// from snapshot to snapshot. docs/analyze.md has the formulas, and how often the intervals held the
// truth.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_FORECAST_H_
#define INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_FORECAST_H_

#include <functional>
#include <vector>

#include "tools/analysis/counting/copies_distribution.h"
#include "tools/analysis/growth/growth.h"

namespace inlay::analysis {

// From the copies alone, for records whose order has no meaning.
Growth GrowthInRandomOrder(const CopiesDistribution& copies);

// `points` are the distinct values among the first records, by rising records. The last point is
// all records, whose copies `copies` counts.
Growth GrowthInInputOrder(std::vector<GrowthPoint> points, const CopiesDistribution& copies);

// `copies` are those of the last snapshot. REQUIRES: two snapshots or more.
Growth GrowthOfSnapshots(std::vector<Snapshot> snapshots, const CopiesDistribution& copies);

// The forecast whose distribution has these quantiles: quantile(z) is not exceeded with the
// probability that a standard normal variable does not exceed z. It must not fall with z.
GrowthForecast ForecastOf(double times, double records, double expected,
                          const std::function<double(double)>& quantile);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_FORECAST_H_
