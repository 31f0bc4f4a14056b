// Growth in sentences, each on one line.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_WORDS_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_WORDS_H_

#include <string>

#include "tools/analysis/growth/growth.h"

namespace inlay::analysis {

// "distinct = 1222.03 - 4024.87 * records^-0.183456", or "7 values, however many records".
// `records` are those of today. The numbers have enough digits to compute `law` from them for up to
// ten times as many records.
std::string LawWords(const GrowthLaw& law, double records);

// How the order of the input differs from random order. REQUIRES: growth.random_order has as many
// points as growth.points, and there is one.
std::string OrderWords(const Growth& growth);

// The new values from snapshot to snapshot. REQUIRES: there are snapshots.
std::string ChurnWords(const Growth& growth);

// Where the forecasts suppose another order than `growth.order`; else empty.
std::string ForecastOrderWords(const Growth& growth);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_WORDS_H_
