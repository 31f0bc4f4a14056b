// The limits that all readers share.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_RECORD_LIMITS_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_RECORD_LIMITS_H_

#include <cstdint>

namespace inlay::analysis {

// The largest value that is read. Maps store a little less: `kMaxValueBytes` of inlay/operation.h.
inline constexpr uint64_t kMaxRecordBytes = 65536;

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_RECORD_LIMITS_H_
