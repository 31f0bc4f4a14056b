// Rarefaction: the expected number of distinct values among a random part of the records.
//
// A value with c copies among N records is not among n of them with probability C(N - c, n) / C(N,
// n), so the expectation is a sum over the copies alone (Hurlbert 1971). It is exact for all
// values.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GROWTH_RAREFACTION_H_
#define INLAY_TOOLS_ANALYSIS_GROWTH_RAREFACTION_H_

#include <cstdint>
#include <vector>

#include "tools/analysis/counting/copies_distribution.h"
#include "tools/analysis/growth/growth.h"

namespace inlay::analysis {

// The expected distinct values among `records` of the records. REQUIRES: at most copies.records().
double ExpectedDistinct(const CopiesDistribution& copies, uint64_t records);

// The expected number of values that occur exactly `times` times in a random sample of the records.
// The sample takes each record independently with probability `share`, 0 < share <= 1.
double ExpectedWithCopies(const CopiesDistribution& copies, double share, uint64_t times);

// The curve at 1/2^k of the records, k = 0, 1.. while that is a record or more, and at most
// `points` points; by rising records, all of them last.
std::vector<GrowthPoint> RarefactionCurve(const CopiesDistribution& copies, size_t points = 17);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GROWTH_RAREFACTION_H_
