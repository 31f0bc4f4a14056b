#include "tools/analysis/values/btf_schema.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/grammar/close_names.h"
#include "tools/analysis/values/record_limits.h"

namespace inlay::analysis {
namespace {

// No real type is nested as deep; one that is refers to itself.
constexpr int kMaxDepth = 64;
// The most members, and bytes of their names, that a walk visits. A struct of 64 KiB has half a
// million bits; a corrupt file may have 2^64 members that take no room, or overlap.
constexpr uint64_t kMaxWork = uint64_t{16} << 20;

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, FreeBtf>;

// libbpf writes to standard error unless told otherwise.
class SilentLibbpf {
 public:
  SilentLibbpf() : before_(libbpf_set_print(nullptr)) {}
  ~SilentLibbpf() { libbpf_set_print(before_); }
  SilentLibbpf(const SilentLibbpf&) = delete;
  SilentLibbpf& operator=(const SilentLibbpf&) = delete;

 private:
  libbpf_print_fn_t before_;
};

absl::Status BtfError(const std::string& message) { return absl::InvalidArgumentError(message); }

// The reason why a value with a struct of this name cannot be shared; nothing if it can.
std::optional<std::string_view> WhyNotShared(std::string_view struct_name) {
  static constexpr std::pair<std::string_view, std::string_view> kReasons[] = {
      {"bpf_spin_lock", "a lock guards one value at one place"},
      {"bpf_res_spin_lock", "a lock guards one value at one place"},
      {"bpf_timer", "a timer belongs to one value at one place"},
      {"bpf_wq", "a work queue belongs to one value at one place"},
      {"bpf_task_work", "deferred work belongs to one value at one place"},
      {"bpf_list_head", "a list has one head at one place"},
      {"bpf_list_node", "a node is in one list at one place"},
      {"bpf_rb_root", "a tree has one root at one place"},
      {"bpf_rb_node", "a node is in one tree at one place"},
      {"bpf_refcount", "a reference count counts the owners of one value"},
  };
  for (const auto& [name, reason] : kReasons) {
    if (name == struct_name) return reason;
  }
  return std::nullopt;
}

bool IsKptrTag(std::string_view tag) {
  return tag == "kptr" || tag == "kptr_ref" || tag == "kptr_untrusted" || tag == "percpu_kptr" ||
         tag == "uptr";
}

std::string Joined(const std::string& path, const std::string& name) {
  if (path.empty() || name.empty()) return path + name;
  return absl::StrCat(path, ".", name);
}

// The place of a type in the value, and its name.
struct Place {
  std::string path = {};  // "in.port"
  bool has_name = false;  // the path's last name is its own, not its container's
  uint64_t offset_bits = 0;
  uint32_t bits = 0;  // the width of a bit-field; 0 if it is none
  int depth = 0;
};

// Turns types into fields. Errors do not name the file.
class Walk {
 public:
  // Without `kernel_owned`, a member that only the kernel may hold is an error.
  explicit Walk(const btf* types, std::vector<KernelOwnedMember>* kernel_owned = nullptr)
      : types_(types), kernel_owned_(kernel_owned) {}

  // Adds the fields of type `id` at `place`.
  absl::Status Add(uint32_t id, const Place& place, std::vector<ValueField>* fields) {
    const std::string& path = place.path;
    const uint32_t bits = place.bits;
    work_ += 1 + path.size();
    if (work_ > kMaxWork) return BtfError("has more members than a value has room for");
    if (place.depth > kMaxDepth) return BtfError(absl::StrCat("'", path, "' is nested too deeply"));
    std::string type_name;
    const btf_type* type = Stripped(&id, &type_name);
    if (type == nullptr) return BtfError(absl::StrCat("'", path, "' has an undefined type"));
    ValueField field;
    field.name = path;
    field.offset_bits = place.offset_bits;
    field.size_bits = bits != 0 ? bits : uint64_t{type->size} * 8;
    field.type_name = type_name;
    field.big_endian = type_name == "__be16" || type_name == "__be32" || type_name == "__be64";
    switch (btf_kind(type)) {
      case BTF_KIND_STRUCT:
        return AddStruct(type, place, fields);
      case BTF_KIND_UNION:
        return AddUnion(type, place, std::move(field), fields);
      case BTF_KIND_ARRAY:
        return AddArray(id, type, place, std::move(field), fields);
      case BTF_KIND_INT: {
        const uint32_t encoding = btf_int_encoding(type);
        field.kind = (encoding & BTF_INT_BOOL) != 0     ? FieldKind::kBool
                     : (encoding & BTF_INT_SIGNED) != 0 ? FieldKind::kSigned
                                                        : FieldKind::kUnsigned;
        if (bits == 0 && btf_int_bits(type) != 8 * type->size) {  // a bit-field of an old compiler
          field.offset_bits = place.offset_bits + btf_int_offset(type);
          field.size_bits = btf_int_bits(type);
        }
        if (field.size_bits > 64) field.kind = FieldKind::kBytes;
        break;
      }
      case BTF_KIND_FLOAT:
        field.kind = type->size == 4 || type->size == 8 ? FieldKind::kFloat : FieldKind::kBytes;
        break;
      case BTF_KIND_ENUM:
      case BTF_KIND_ENUM64:
        field.kind = FieldKind::kEnum;
        field.enum_names = EnumNames(id, type);
        break;
      case BTF_KIND_PTR: {
        field.kind = FieldKind::kUnsigned;
        field.size_bits = 8 * btf__pointer_size(types_);
        if (const std::string tag = KptrTag(type); !tag.empty()) {
          return AddKernelOwned(
              place, tag, field.size_bits,
              absl::StrCat("a ", tag,
                           ", and the kernel keeps what it points to for one value only"));
        }
        if (field.type_name.empty()) field.type_name = PointerName(type);
        break;
      }
      default:
        return BtfError(absl::StrCat("'", path, "' is of a type without a size"));
    }
    const bool is_number = field.kind != FieldKind::kText && field.kind != FieldKind::kBytes;
    if (field.size_bits == 0 || ((field.is_bitfield() || is_number) && field.size_bits > 64)) {
      return BtfError(absl::StrCat("'", path, "' has an impossible size"));
    }
    // A corrupt file may have endless overlapping members.
    if (fields->size() >= 8 * kMaxRecordBytes) return BtfError("has more members than bits");
    fields->push_back(std::move(field));
    return absl::OkStatus();
  }

 private:
  std::string Name(const btf_type* type) const {
    const char* const name = btf__name_by_offset(types_, type->name_off);
    return name == nullptr ? "" : name;
  }

  // The type behind typedefs, qualifiers and tags; `id` follows. `name` becomes its name in C: the
  // outermost typedef's, or the type's own. Null if BTF is broken.
  const btf_type* Stripped(uint32_t* id, std::string* name) const {
    const btf_type* type = btf__type_by_id(types_, *id);
    for (int steps = 0; type != nullptr; ++steps) {
      if (btf_is_typedef(type) && name->empty()) *name = Name(type);
      if (!btf_is_mod(type) && !btf_is_typedef(type)) break;
      if (steps > kMaxDepth) return nullptr;
      *id = type->type;
      type = btf__type_by_id(types_, *id);
    }
    if (type == nullptr || !name->empty() || Name(type).empty()) return type;
    const char* prefix = "";
    if (btf_is_struct(type)) prefix = "struct ";
    if (btf_is_union(type)) prefix = "union ";
    if (btf_is_any_enum(type)) prefix = "enum ";
    *name = prefix + Name(type);
    return type;
  }

  std::string PointerName(const btf_type* pointer) const {
    std::string name;
    uint32_t id = pointer->type;
    (void)Stripped(&id, &name);
    return name.empty() ? "void *" : absl::StrCat(name, " *");
  }

  // The tag of a kptr, a pointer that the kernel manages; empty for an ordinary pointer. Tags stand
  // between a pointer and what it points to.
  std::string KptrTag(const btf_type* pointer) const {
    const btf_type* type = btf__type_by_id(types_, pointer->type);
    for (int steps = 0; type != nullptr && btf_is_mod(type) && steps < kMaxDepth; ++steps) {
      if (btf_is_type_tag(type) && IsKptrTag(Name(type))) return Name(type);
      type = btf__type_by_id(types_, type->type);
    }
    return {};
  }

  // `why` completes "'path' is ".
  absl::Status AddKernelOwned(const Place& place, const std::string& type_name, uint64_t size_bits,
                              const std::string& why) {
    if (kernel_owned_ == nullptr) {
      return BtfError(absl::StrCat("its values cannot be shared: '", place.path, "' is ", why));
    }
    kernel_owned_->push_back({place.path, type_name, place.offset_bits / 8, size_bits / 8});
    return absl::OkStatus();
  }

  // The place of member `i` of the struct or union `type`, which is at `outer`.
  Place MemberPlace(const btf_type* type, uint32_t i, const Place& outer) const {
    const char* const text = btf__name_by_offset(types_, btf_members(type)[i].name_off);
    const std::string name = text == nullptr ? "" : text;
    return {Joined(outer.path, name), !name.empty(),
            outer.offset_bits + btf_member_bit_offset(type, i), btf_member_bitfield_size(type, i),
            outer.depth + 1};
  }

  absl::Status AddStruct(const btf_type* type, const Place& place,
                         std::vector<ValueField>* fields) {
    const std::string name = Name(type);
    if (const auto reason = WhyNotShared(name); reason.has_value()) {
      return AddKernelOwned(place, "struct " + name, uint64_t{type->size} * 8,
                            absl::StrCat("a struct ", name, ", and ", std::string(*reason)));
    }
    for (uint32_t i = 0; i < btf_vlen(type); ++i) {
      const absl::Status status =
          Add(btf_members(type)[i].type, MemberPlace(type, i, place), fields);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status AddUnion(const btf_type* type, const Place& place, ValueField whole,
                        std::vector<ValueField>* fields) {
    bool found = false;
    std::vector<ValueField> chosen;
    for (uint32_t i = 0; i < btf_vlen(type); ++i) {
      // Walks every member: any of them may hide one that cannot be shared.
      std::vector<ValueField> inner;
      const Place member = MemberPlace(type, i, place);
      const absl::Status status = Add(btf_members(type)[i].type, member, &inner);
      if (!status.ok()) return status;
      if (i == 0 && !place.has_name) whole.name = member.path;
      uint64_t bits = 0;
      for (const ValueField& field : inner) bits += field.size_bits;
      if (!found && bits == whole.size_bits) {
        found = true;
        chosen = std::move(inner);
      }
    }
    if (!found && whole.size_bits != 0) {
      whole.kind = FieldKind::kBytes;
      chosen.assign(1, whole);
    }
    fields->insert(fields->end(), chosen.begin(), chosen.end());
    return absl::OkStatus();
  }

  absl::Status AddArray(uint32_t id, const btf_type* type, const Place& place, ValueField whole,
                        std::vector<ValueField>* fields) {
    const int64_t bytes = btf__resolve_size(types_, id);
    if (bytes < 0) return BtfError(absl::StrCat("'", whole.name, "' is of a type without a size"));
    whole.size_bits = 8 * static_cast<uint64_t>(bytes);
    const struct btf_array* const array = btf_array(type);
    // The elements of all dimensions.
    uint64_t elements = array->nelems;
    uint32_t element_id = array->type;
    std::string element_name;
    const btf_type* element = Stripped(&element_id, &element_name);
    while (element != nullptr && btf_is_array(element)) {
      elements *= btf_array(element)->nelems;
      element_id = btf_array(element)->type;
      element_name.clear();
      element = Stripped(&element_id, &element_name);
    }
    if (element == nullptr)
      return BtfError(absl::StrCat("'", whole.name, "' is an array of an undefined type"));
    if (bytes == 0) return absl::OkStatus();
    const bool is_text =
        btf_is_int(element) && element->size == 1 &&
        (Name(element) == "char" || (btf_int_encoding(element) & BTF_INT_CHAR) != 0);
    std::string child_name;
    uint32_t child_id = array->type;
    const btf_type* const child = Stripped(&child_id, &child_name);
    const bool is_last_dimension = !btf_is_array(child);
    if ((is_text && is_last_dimension) || elements > kMaxArrayFields) {
      if (elements > kMaxArrayFields && !is_text) {
        // A member that cannot be shared may hide in the elements; then all of them have it.
        const size_t owned_before = kernel_owned_ == nullptr ? 0 : kernel_owned_->size();
        std::vector<ValueField> unused;
        const absl::Status status = Add(
            element_id, {absl::StrCat(whole.name, "[0]"), true, 0, 0, place.depth + 1}, &unused);
        if (!status.ok()) return status;
        if (kernel_owned_ != nullptr && kernel_owned_->size() > owned_before) {
          const std::string type_name = kernel_owned_->back().type_name;
          kernel_owned_->resize(owned_before);
          return AddKernelOwned(place, absl::StrCat("array of ", type_name), whole.size_bits, "");
        }
      }
      whole.kind = is_text && is_last_dimension ? FieldKind::kText : FieldKind::kBytes;
      if (whole.type_name.empty()) {
        whole.type_name =
            is_last_dimension ? absl::StrCat(element_name, "[", array->nelems, "]") : "";
      }
      whole.big_endian = false;
      fields->push_back(std::move(whole));
      return absl::OkStatus();
    }
    const uint64_t stride_bits = whole.size_bits / array->nelems;
    for (uint32_t i = 0; i < array->nelems; ++i) {
      const absl::Status status = Add(array->type,
                                      {absl::StrCat(whole.name, "[", i, "]"), true,
                                       *whole.offset_bits + i * stride_bits, 0, place.depth + 1},
                                      fields);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  using Names = std::shared_ptr<const std::map<int64_t, std::string>>;

  Names EnumNames(uint32_t id, const btf_type* type) {
    Names& known = enums_[id];
    if (known != nullptr) return known;
    std::map<int64_t, std::string> names;
    const auto add = [&](int64_t value, uint32_t name_offset) {
      const char* const name = btf__name_by_offset(types_, name_offset);
      if (name != nullptr) names.emplace(value, name);
    };
    for (uint32_t i = 0; i < btf_vlen(type); ++i) {
      if (btf_is_enum64(type)) {
        const struct btf_enum64* const value = btf_enum64(type) + i;
        add(static_cast<int64_t>(btf_enum64_value(value)), value->name_off);
      } else {
        const struct btf_enum* const value = btf_enum(type) + i;
        add(btf_kflag(type) ? int64_t{value->val} : int64_t{static_cast<uint32_t>(value->val)},
            value->name_off);
      }
    }
    known = std::make_shared<const std::map<int64_t, std::string>>(std::move(names));
    return known;
  }

  const btf* types_;
  std::vector<KernelOwnedMember>* kernel_owned_;
  std::map<uint32_t, Names> enums_;
  uint64_t work_ = 0;
};

absl::StatusOr<Btf> Parse(const std::string& path) {
  // Reports an unreadable file in the same words as for all other files.
  const absl::StatusOr<InputFile> readable = InputFile::Open(path);
  if (!readable.ok()) return readable.status();
  Btf types(btf__parse(path.c_str(), nullptr));
  if (types == nullptr) {
    // libbpf has errors of its own, which strerror() does not know.
    char reason[128];
    libbpf_strerror(errno, reason, sizeof(reason));
    return BtfError(
        absl::StrCat(path, ": has no BTF that can be read (", reason,
                     "): it must be raw BTF or an ELF object compiled with -g for BPF"));
  }
  if (btf__endianness(types.get()) != BTF_LITTLE_ENDIAN) {
    return BtfError(absl::StrCat(path, ": has BTF of a big-endian machine"));
  }
  // BTF without "long" has no pointer size; values of BPF maps hold pointers of 64 bits.
  if (btf__pointer_size(types.get()) == 0) btf__set_pointer_size(types.get(), 8);
  return types;
}

// The id of the type that `type` names; 0 if there is none.
uint32_t FindType(const btf* types, std::string_view type) {
  std::vector<uint32_t> kinds = {BTF_KIND_STRUCT, BTF_KIND_UNION, BTF_KIND_TYPEDEF, BTF_KIND_ENUM,
                                 BTF_KIND_ENUM64, BTF_KIND_INT,   BTF_KIND_FLOAT};
  if (type.starts_with("struct ")) {
    kinds = {BTF_KIND_STRUCT};
  } else if (type.starts_with("union ")) {
    kinds = {BTF_KIND_UNION};
  } else if (type.starts_with("enum ")) {
    kinds = {BTF_KIND_ENUM, BTF_KIND_ENUM64};
  }
  // The keyword ends with the only blank that a type's name can have here.
  if (kinds.size() < 7) type.remove_prefix(type.find(' ') + 1);
  for (const uint32_t kind : kinds) {
    const int id = btf__find_by_name_kind(types, std::string(type).c_str(), kind);
    if (id > 0) return static_cast<uint32_t>(id);
  }
  return 0;
}

absl::Status NotFound(const btf* types, const std::string& path, const std::string& type) {
  std::set<std::string> names;
  for (uint32_t id = 1; id < btf__type_cnt(types); ++id) {
    const btf_type* const candidate = btf__type_by_id(types, id);
    if (!btf_is_composite(candidate) && !btf_is_typedef(candidate)) continue;
    const char* const name = btf__name_by_offset(types, candidate->name_off);
    if (name != nullptr && *name != '\0') names.insert(name);
  }
  const size_t space = type.find(' ');
  const std::string bare = space == std::string::npos ? type : type.substr(space + 1);
  const std::vector<std::string> close = CloseNames(bare, names, 5);
  return BtfError(absl::StrCat(path, ": has no type '", type, "'",
                               close.empty() ? "" : "; there is ", absl::StrJoin(close, ", ")));
}

// The fields of type `id`; messages start with `what`.
absl::StatusOr<StructFields> FieldsOf(const btf* types, uint32_t id, const std::string& what,
                                      std::vector<KernelOwnedMember>* kernel_owned) {
  const auto named = [&](const std::string& message) {
    return BtfError(absl::StrCat(what, ": ", message));
  };
  const int64_t bytes = btf__resolve_size(types, id);
  if (bytes <= 0) return named("has no size");
  StructFields result;
  result.value_bytes = static_cast<uint64_t>(bytes);
  if (result.value_bytes > kMaxRecordBytes) {
    return named(absl::StrCat("has ", bytes, " bytes; a value has ", kMaxRecordBytes, " at most"));
  }
  const absl::Status status = Walk(types, kernel_owned).Add(id, Place(), &result.fields);
  if (!status.ok()) return named(std::string(status.message()));
  const bool has_owned = kernel_owned != nullptr && !kernel_owned->empty();
  if (result.fields.empty() && !has_owned) return named("has no members");
  uint64_t end = 0;
  for (ValueField& field : result.fields) {
    if (field.name.empty()) field.name = "value";
    if (*field.offset_bits < end || *field.offset_bits + field.size_bits > 8 * result.value_bytes) {
      return named(
          absl::StrCat("'", field.name, "' overlaps another member or exceeds the struct"));
    }
    end = *field.offset_bits + field.size_bits;
  }
  AddPadding(&result);
  return result;
}

}  // namespace

absl::StatusOr<StructFields> ReadBtfType(const std::string& path, const std::string& type) {
  const SilentLibbpf silent;
  const absl::StatusOr<Btf> types = Parse(path);
  if (!types.ok()) return types.status();
  const uint32_t id = FindType(types->get(), type);
  if (id == 0) return NotFound(types->get(), path, type);
  return FieldsOf(types->get(), id, absl::StrCat(path, ": type '", type, "'"), nullptr);
}

absl::StatusOr<StructFields> ReadBtfTypeById(const btf* types, uint32_t id, const std::string& what,
                                             std::vector<KernelOwnedMember>* kernel_owned) {
  return FieldsOf(types, id, what, kernel_owned);
}

}  // namespace inlay::analysis
