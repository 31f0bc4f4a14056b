// Replaces btf_schema.cc in builds without libbpf.

#include "absl/status/status.h"
#include "tools/analysis/values/btf_schema.h"

namespace inlay::analysis {

absl::StatusOr<StructFields> ReadBtfType(const std::string&, const std::string&) {
  return absl::UnimplementedError(
      "--btf: this program was built without libbpf. Install libbpf-dev and build it again, or "
      "name the "
      "fields with --fields");
}

absl::StatusOr<StructFields> ReadBtfTypeById(const btf*, uint32_t, const std::string& what,
                                             std::vector<KernelOwnedMember>*) {
  return absl::UnimplementedError(what + ": this program was built without libbpf");
}

}  // namespace inlay::analysis
