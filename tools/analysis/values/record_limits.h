// The limits that all readers share.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_RECORD_LIMITS_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_RECORD_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace inlay::analysis {

// The largest value that is read. Maps store a little less: `kMaxValueBytes` of inlay/operation.h.
inline constexpr uint64_t kMaxRecordBytes = 65536;

// The longest row of text in bytes, without its line end.
inline constexpr size_t kMaxRowBytes = size_t{1} << 20;

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_RECORD_LIMITS_H_
