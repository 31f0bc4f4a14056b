// Each field by itself: the number of its distinct values, and their entropy.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_STATISTICS_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/analysis/fields/field_codes.h"

namespace inlay::analysis {

struct FieldStatistics {
  std::string name;                // of the column, or "byte N"
  std::optional<uint64_t> offset;  // raw: in bytes from the start of the value
  std::optional<uint64_t> bytes;   // raw: size of the field
  uint64_t distinct = 0;
  double entropy_bits = 0;        // over the records
  uint64_t distinct_without = 0;  // values by all other fields; see spoilers.h, which counts them
};

// The fields of `codes`, in order, without distinct_without.
std::vector<FieldStatistics> DescribeFields(const FieldCodes& codes);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_STATISTICS_H_
