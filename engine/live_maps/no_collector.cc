// LiveCollector where no compiler for BPF was found.

#include "engine/live_maps/census.h"
#include "inlay/live_collector.h"

namespace inlay {

struct Census::Programs {};
Census::~Census() = default;

LiveCollector::~LiveCollector() = default;
Status LiveCollector::Create(const std::vector<LiveMap*>&, const Options&,
                             std::unique_ptr<LiveCollector>*) {
  return Status::kUnsupported;
}
Status LiveCollector::Collect(Report*) { return Status::kUnsupported; }

}  // namespace inlay
