// ValueSchema: what the values of a map are, as far as the map's BTF tells.

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
  std::vector<analysis::ValueField> fields = {};  // by offset; none: not known
  std::string type_name = {};                     // "struct flow", "int"; empty: not known
  std::vector<analysis::KernelOwnedMember> kernel_owned = {};
  std::optional<uint32_t> lock_offset = {};  // of the value's bpf_spin_lock
  std::vector<std::string> notes =
      {};  // for people: what is not captured, or why there are no names
};

// Never fails: without BTF, or without the right to read it (CAP_SYS_ADMIN), there are no fields,
// and a note says so.
ValueSchema ReadValueSchema(const KernelMap& map);

// What the map's BTF calls the type of its values; empty if it does not tell.
std::string ValueTypeName(const KernelMap& map);

// Sets the bytes to 0 that only the kernel may hold: a lock's state and a kptr say nothing about
// the value.
void ClearKernelOwned(const ValueSchema& schema, std::span<uint8_t> value);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_VALUE_SCHEMA_H_
