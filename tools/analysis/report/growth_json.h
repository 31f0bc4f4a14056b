// The key "growth" of the report as JSON.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_JSON_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_JSON_H_

#include <nlohmann/json.hpp>

#include "tools/analysis/growth/growth.h"

namespace inlay::analysis {

// Thread-safe.
nlohmann::ordered_json GrowthJson(const Growth& growth);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_GROWTH_JSON_H_
