// The fields of raw records from BTF, the type information of BPF programs and of the kernel.
//
// Not thread-safe: libbpf's messages are silenced for the whole process while a file is read.

#ifndef INLAY_TOOLS_ANALYSIS_BTF_SCHEMA_H_
#define INLAY_TOOLS_ANALYSIS_BTF_SCHEMA_H_

#include <string>

#include "absl/status/statusor.h"
#include "tools/analysis/struct_fields.h"

namespace inlay::analysis {

// The type `type` ("tcp_info", "struct tcp_info" or a typedef's name) of the file `path`, which is raw BTF or
// an ELF object with a section .BTF, as fields:
//
// - a member that is a struct: its members, as "in.port"; those of an anonymous one without a prefix;
// - an array of at most kMaxArrayFields elements in all its dimensions: a field for each, "hist[2]"; a larger
//   one: a field of bytes; of char: a field of text;
// - a union: its first member that has the union's size and no padding within; if there is none, one field of
//   bytes;
// - what no member has: padding.
//
// Fails for a file that cannot be read, has no BTF, or that of a big-endian machine; for a name that is not in
// it, naming those that are close; for a type without a size; for a type with a member that only the kernel
// may hold, such as bpf_spin_lock, and cannot be shared; and always if the library was built without libbpf.
absl::StatusOr<StructFields> ReadBtfType(const std::string& path, const std::string& type);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BTF_SCHEMA_H_
