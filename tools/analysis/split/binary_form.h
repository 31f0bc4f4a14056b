// BinaryForm: the declaration of a field in a C struct: type, size and alignment. A column of text
// gets the narrowest form that holds all its texts.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_BINARY_FORM_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_BINARY_FORM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/analysis/fields/field_codes.h"

namespace inlay::analysis {

struct BinaryForm {
  uint64_t size_bits = 0;  // at least 1; a multiple of 8 unless it is a bit-field
  uint32_t alignment = 1;  // 1, 2, 4 or 8 bytes; of a bit-field that of `type`
  bool is_bitfield = false;
  std::string type = {};    // "__u16", "char"; only types of <linux/types.h> and C itself
  std::string suffix = {};  // what follows the name: "", "[16]", ":3"
  std::string remark = {};  // the field's own type if that is not `type`; may be empty
};

// The form of a field of raw records, by its type, kind and size.
BinaryForm FormOfBytes(const ValueField& field);

// The narrowest form that holds every one of `texts`: __u8 to __u64 if all are decimal numbers as C
// would print them, __s8 to __s64 if some of these are negative, otherwise char of the longest
// length, 1 if all are empty.
BinaryForm FormOfTexts(const std::vector<std::string>& texts);

// The form of each field of `codes`, which EncodeFields() made of `schema` and `values`.
std::vector<BinaryForm> BinaryForms(const RecordSchema& schema, const CountedValues& values,
                                    const FieldCodes& codes);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_BINARY_FORM_H_
