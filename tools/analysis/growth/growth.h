// Growth: the number of distinct values against the number of sockets, a forecast for more sockets,
// and the probability that the index then needs more bits. docs/analyze.md has the formulas.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_H_
#define INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/analysis/counting/growth_point.h"
#include "tools/analysis/counting/snapshot.h"

namespace inlay::analysis {

// distinct(n) = fixed_values + factor * n^exponent. With an exponent below zero the factor is below
// zero too, and the number of values tends to fixed_values.
struct GrowthLaw {
  double fixed_values = 0;
  double factor = 0;
  double exponent = 0;  // at most 1: every new record a new value
};

// The probability of more values than an index of so many bits can name.
struct WidthOverflow {
  int index_bits = 0;
  double probability = 0;  // 0 to 1
};

// The expectation for `times` as many records of the same kind.
struct GrowthForecast {
  double times = 0;
  double records = 0;
  double distinct = 0;
  double distinct_low = 0;  // 19 of 20 times the truth is between the two
  double distinct_high = 0;
  std::optional<int> index_bits;        // for `distinct`; nothing: no index is wide enough
  std::optional<int> index_bits_high;   // for `distinct_high`
  std::vector<WidthOverflow> overflow;  // of 9 to 16 bits
};

struct Growth {
  // The order of the records behind the points, the law and the forecasts.
  enum class Order {
    kRandom,     // the records in random order: what is expected of a part of them
    kInput,      // the records in the order of the input
    kSnapshots,  // a point for each snapshot
  };

  Order order = Order::kRandom;
  std::vector<GrowthPoint> points;        // by rising records; the last one is the data itself
  std::optional<GrowthLaw> law;           // nothing: too few records to fit one
  std::vector<GrowthForecast> forecasts;  // for 2 and 10 times as many records
  std::vector<Snapshot> snapshots;        // kSnapshots only
  // kInput only: the points in random order, with the same numbers of records.
  std::vector<GrowthPoint> random_order;
  // kSnapshots only: the snapshots differ too little in size. The law and the forecasts then come
  // from the records of the last one in random order.
  bool within_last_snapshot = false;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GROWTH_GROWTH_H_
