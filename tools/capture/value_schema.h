// ValueSchema: describes the values of a map, from the map's BTF.

#ifndef INLAY_TOOLS_CAPTURE_VALUE_SCHEMA_H_
#define INLAY_TOOLS_CAPTURE_VALUE_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/values/btf_schema.h"
#include "tools/analysis/values/value_field.h"
#include "tools/capture/kernel_map.h"

namespace inlay::capture {

struct ValueSchema {
  std::vector<analysis::ValueField> fields = {};  // by offset; empty: unknown
  std::string type_name = {};                     // "struct flow", "int"; empty: unknown
  std::vector<analysis::KernelOwnedMember> kernel_owned = {};
  std::optional<uint32_t> lock_offset = {};  // of the value's bpf_spin_lock
  std::vector<std::string> notes =
      {};  // for the report: members that are not captured, or the reason for missing names
};

// Never fails: without BTF, or without the right to read it (CAP_SYS_ADMIN), there are no fields,
// and a note says so.
ValueSchema ReadValueSchema(const KernelMap& map);

// The name of the value type in the map's BTF; empty if unknown.
std::string ValueTypeName(const KernelMap& map);

// Clears the bytes that belong to the kernel (locks, timers, kptrs): they say nothing about the
// value.
void ClearKernelOwned(const ValueSchema& schema, std::span<uint8_t> value);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_VALUE_SCHEMA_H_
