// FieldCodes: the distinct values as a table of small numbers, a column for each field: two values
// agree in a field exactly if they have the same code there. All code that asks how fields vary
// together works on these numbers, and neither on bytes nor on text.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_CODES_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_CODES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/analysis/fields/record_counts.h"
#include "tools/analysis/values/record_source.h"
#include "tools/analysis/values/value_counter.h"
#include "tools/analysis/values/value_field.h"

namespace inlay::analysis {

struct CodedField {
  ValueField field;
  std::vector<uint32_t> codes;  // of each value: 0 .. distinct() - 1, in the order of appearance
  uint64_t code_count = 0;      // the different ones among them

  uint64_t distinct() const { return code_count; }
};

struct FieldCodes {
  std::vector<CodedField> fields;
  RecordCounts counts;   // of each value: the records that hold it
  uint64_t records = 0;  // their sum

  size_t values() const { return counts.size(); }
};

// Encodes `values`, whose fields are schema.fields, with `threads` threads, at most `most_encoders`
// fields at a time. Takes a byte for each value, 4 for each value and field, and a table for as
// many fields as are encoded at a time (cell_codes.h); of tables of very many cells there is one at
// a time. REQUIRES: fewer than 2^32 values, one encoder. Throws std::bad_alloc when memory runs
// out.
FieldCodes EncodeFields(const RecordSchema& schema, const CountedValues& values, size_t threads,
                        size_t most_encoders = SIZE_MAX);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_FIELD_CODES_H_
