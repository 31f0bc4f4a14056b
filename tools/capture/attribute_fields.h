// The fields of SocketAttributes, as analyze names them.

#ifndef INLAY_TOOLS_CAPTURE_ATTRIBUTE_FIELDS_H_
#define INLAY_TOOLS_CAPTURE_ATTRIBUTE_FIELDS_H_

#include <vector>

#include "tools/analysis/values/value_field.h"

namespace inlay::capture {

// Sorted by offset; every byte of the struct is in exactly one field. Thread-safe.
std::vector<analysis::ValueField> AttributeFields();

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_ATTRIBUTE_FIELDS_H_
