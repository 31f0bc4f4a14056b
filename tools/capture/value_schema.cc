#include "tools/capture/value_schema.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/values/struct_fields.h"
#include "tools/capture/system/capabilities.h"
#include "tools/capture/system/libbpf_messages.h"

namespace inlay::capture {
namespace {

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, FreeBtf>;

// Null and errno if it cannot be read.
Btf LoadBtf(const KernelMap& map) {
  const LibbpfMessages quiet;
  return Btf(btf__load_from_kernel_by_id(map.btf_id));
}

// The name that inlay.bpf.h gives to the type of a map's values, beside its own.
bool IsInlayValue(const btf* types, const btf_type* type) {
  const char* const name = btf__name_by_offset(types, type->name_off);
  return btf_is_typedef(type) && name != nullptr &&
         std::string_view(name).ends_with("_inlay_value");
}

// The name in C: "struct flow", "__u64"; empty for an anonymous type.
std::string TypeName(const btf* types, uint32_t id) {
  const btf_type* type = btf__type_by_id(types, id);
  while (type != nullptr && (btf_is_mod(type) || IsInlayValue(types, type))) {
    type = btf__type_by_id(types, type->type);
  }
  if (type == nullptr) return {};
  const char* const name = btf__name_by_offset(types, type->name_off);
  if (name == nullptr || *name == '\0') return {};
  const char* prefix = "";
  if (btf_is_struct(type)) prefix = "struct ";
  if (btf_is_union(type)) prefix = "union ";
  if (btf_is_any_enum(type)) prefix = "enum ";
  return absl::StrCat(prefix, name);
}

}  // namespace

std::string ValueTypeName(const KernelMap& map) {
  if (map.btf_id == 0 || map.btf_value_type_id == 0) return {};
  const Btf types = LoadBtf(map);
  return types == nullptr ? std::string() : TypeName(types.get(), map.btf_value_type_id);
}

ValueSchema ReadValueSchema(const KernelMap& map) {
  ValueSchema schema;
  if (map.btf_id == 0 || map.btf_value_type_id == 0) {
    schema.notes.push_back("the map has no BTF, so the fields of its values have no names");
    return schema;
  }
  const Btf types = LoadBtf(map);
  if (types == nullptr) {
    schema.notes.push_back(absl::StrCat(
        "the fields of the values have no names, and locks or kptrs in them are unknown: ",
        std::string(
            CallFailed("reading the map's BTF", errno, {Capability::kSysAdmin}).message())));
    return schema;
  }
  schema.type_name = TypeName(types.get(), map.btf_value_type_id);
  // BTF without "long" does not give the pointer size; pointers in BPF maps have 64 bits.
  btf__set_pointer_size(types.get(), 8);
  absl::StatusOr<analysis::StructFields> fields = analysis::ReadBtfTypeById(
      types.get(), map.btf_value_type_id, "the map's BTF", &schema.kernel_owned);
  if (!fields.ok() || fields->value_bytes != map.value_bytes) {
    schema.kernel_owned.clear();
    schema.notes.push_back(absl::StrCat("the fields of the values have no names: ",
                                        fields.ok() ? "the type in the map's BTF has another size"
                                                    : std::string(fields.status().message())));
    return schema;
  }
  schema.fields = std::move(fields->fields);
  for (const analysis::KernelOwnedMember& member : schema.kernel_owned) {
    if (member.type_name == "struct bpf_spin_lock") {
      schema.lock_offset = static_cast<uint32_t>(member.offset_bytes);
    }
    schema.notes.push_back(absl::StrCat("'", member.name, "' is a ", member.type_name,
                                        ", which belongs to the kernel: it is captured as zeros, "
                                        "and values with it cannot be shared as they are"));
  }
  return schema;
}

void ClearKernelOwned(const ValueSchema& schema, std::span<uint8_t> value) {
  for (const analysis::KernelOwnedMember& member : schema.kernel_owned) {
    const size_t begin = std::min<size_t>(member.offset_bytes, value.size());
    const size_t end = std::min<size_t>(member.offset_bytes + member.size_bytes, value.size());
    std::fill(value.begin() + static_cast<ptrdiff_t>(begin),
              value.begin() + static_cast<ptrdiff_t>(end), uint8_t{0});
  }
}

}  // namespace inlay::capture
