// ShapeOf(): what messages say of a map's values.

#ifndef INLAY_ENGINE_SNAPSHOTS_VALUE_SHAPE_H_
#define INLAY_ENGINE_SNAPSHOTS_VALUE_SHAPE_H_

#include <cstdint>
#include <string>

namespace inlay {

inline std::string ShapeOf(uint32_t value_bytes, uint64_t schema) {
  return "values of " + std::to_string(value_bytes) + " bytes with schema " +
         std::to_string(schema);
}

}  // namespace inlay

#endif  // INLAY_ENGINE_SNAPSHOTS_VALUE_SHAPE_H_
