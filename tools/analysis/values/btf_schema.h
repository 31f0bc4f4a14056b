// The fields of raw records from BTF, the type information of BPF programs and of the kernel.
//
// Not thread-safe: libbpf's messages are silenced for the whole process while a file is read.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_BTF_SCHEMA_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_BTF_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/values/struct_fields.h"

struct btf;  // libbpf's

namespace inlay::analysis {

// The type `type` ("tcp_info", "struct tcp_info" or a typedef's name) of the file `path`, which is
// raw BTF or an ELF object with a section .BTF, as fields:
//
// - a member that is a struct: its members, as "in.port"; those of an anonymous one without a
//   prefix;
// - an array of at most kMaxArrayFields elements in all its dimensions: a field for each element,
//   "hist[2]"; a larger one: a field of bytes; an array of char: a field of text;
// - a union: its first member that has the union's size and no padding within; if there is none,
//   one field of bytes;
// - bits of no member: padding.
//
// Fails for an unreadable file, without BTF, and for BTF of a big-endian machine; for an unknown
// name, listing close ones; for a type without a size; for a type with a member that only the
// kernel may hold, such as bpf_spin_lock, which cannot be shared; and always if the library was
// built without libbpf.
absl::StatusOr<StructFields> ReadBtfType(const std::string& path, const std::string& type);

// A member that only the kernel may hold.
struct KernelOwnedMember {
  std::string name = {};       // "stats.lock"
  std::string type_name = {};  // "struct bpf_spin_lock", "kptr"
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
};

// The type with this id in `types`, as fields like those of ReadBtfType(). Members that only the
// kernel may hold are not an error here: they become padding, and go to *kernel_owned, by offset.
// Messages start with `what`.
absl::StatusOr<StructFields> ReadBtfTypeById(const btf* types, uint32_t id, const std::string& what,
                                             std::vector<KernelOwnedMember>* kernel_owned);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_BTF_SCHEMA_H_
