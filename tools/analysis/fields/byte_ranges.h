// Guesses the fields of raw records without a description: runs of bytes that seem to belong
// together.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_BYTE_RANGES_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_BYTE_RANGES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/analysis/values/value_counter.h"
#include "tools/analysis/values/value_field.h"

namespace inlay::analysis {

// The guess looks at no more values, and at no more bytes of them together.
inline constexpr size_t kMaxDiscoveryValues = 65'536;
inline constexpr size_t kMaxDiscoveryBytes = size_t{1} << 26;

// Fields of kind kBytes, "byte 3" and "bytes 4-7", that cover all `value_bytes` bytes of `values`,
// which are distinct. docs/analyze.md has the rule. The result does not depend on the order of the
// values: if there are too many, the rule samples those with the smallest hashes.
//
// Linear in the bytes looked at. REQUIRES: there are values, and each has value_bytes > 0 bytes.
std::vector<ValueField> DiscoverByteRanges(uint64_t value_bytes, const CountedValues& values);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_BYTE_RANGES_H_
