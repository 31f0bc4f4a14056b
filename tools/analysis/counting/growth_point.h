// GrowthPoint: the number of distinct values among the first or a random part of the records.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_GROWTH_POINT_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_GROWTH_POINT_H_

namespace inlay::analysis {

struct GrowthPoint {
  double records = 0;
  double distinct = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_GROWTH_POINT_H_
