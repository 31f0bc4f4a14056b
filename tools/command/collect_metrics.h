// The measurements of `inlay collect --metrics`, in the OpenMetrics format. docs/bpf.md lists them.

#ifndef INLAY_TOOLS_COMMAND_COLLECT_METRICS_H_
#define INLAY_TOOLS_COMMAND_COLLECT_METRICS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "inlay/live_collector.h"
#include "inlay/live_map.h"

namespace inlay {

// The passes of one command so far.
struct CollectTotals {
  uint64_t passes = 0;
  uint64_t incomplete = 0;
  std::map<std::string, uint64_t> freed = {};      // indexes, by map
  std::map<std::string, uint64_t> came_home = {};  // sockets, by map
  double last_complete_seconds = 0;                // since 1970; 0: none was complete
  double pass_seconds = 0;                         // how long the last one took

  // Adds a pass that has ended at `now_seconds`.
  void Add(const LiveCollector::Report& report, double now_seconds, double took_seconds);
};

// `maps` are those of the report, in its order.
std::string CollectMetrics(const std::vector<LiveMap*>& maps, const LiveCollector::Report& report,
                           const CollectTotals& totals, double now_seconds);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_COLLECT_METRICS_H_
