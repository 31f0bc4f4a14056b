// Limits that a report must keep. A script uses them to fail when a value stops deduplicating.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_GATE_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_GATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/analysis/report/report.h"

namespace inlay::analysis {

// A value equal to the limit keeps it. Nothing means no limit.
struct GateLimits {
  std::optional<uint64_t> max_distinct = {};
  std::optional<double> min_ratio = {};    // finite
  std::optional<int> max_index_bits = {};  // no index at all breaks it, whatever it is
  bool fail_on_spoiler = false;            // broken if report.joint_spoilers is not 0

  // Whether there is a limit.
  bool any() const {
    return max_distinct.has_value() || min_ratio.has_value() || max_index_bits.has_value() ||
           fail_on_spoiler;
  }
};

// A line for each limit that `report` breaks, without a line end: the option, then what was
// measured.
std::vector<std::string> BrokenLimits(const Report& report, const GateLimits& limits);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_GATE_H_
