// How the tests of schemas write the fields of a struct: "mss:unsigned@0+16".

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_VALUES_STRUCT_DESCRIPTION_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_VALUES_STRUCT_DESCRIPTION_H_

#include <string>
#include <vector>

#include "tools/analysis/values/struct_fields.h"

namespace inlay::analysis {

// Name, kind, offset and size in bits of each field.
inline std::vector<std::string> Described(const StructFields& fields) {
  static constexpr const char* kKinds[] = {"text",  "unsigned", "signed", "bool",
                                           "float", "enum",     "bytes",  "padding"};
  std::vector<std::string> lines;
  for (const ValueField& field : fields.fields) {
    lines.push_back(field.name + ":" + kKinds[static_cast<size_t>(field.kind)] + "@" +
                    std::to_string(*field.offset_bits) + "+" + std::to_string(field.size_bits));
  }
  return lines;
}

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_VALUES_STRUCT_DESCRIPTION_H_
