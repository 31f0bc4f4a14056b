// KernelMap: a BPF map that is in the kernel, open, and what the kernel says of it.
//
// Functions without state; not thread-safe only where libbpf is not.

#ifndef INLAY_TOOLS_CAPTURE_KERNEL_MAP_H_
#define INLAY_TOOLS_CAPTURE_KERNEL_MAP_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/live_kernel/file_descriptor.h"

namespace inlay::capture {

struct KernelMap {
  live_kernel::FileDescriptor fd = {};
  uint32_t id = 0;
  std::string name = {};  // at most 15 bytes, as the kernel keeps it
  uint32_t type = 0;      // BPF_MAP_TYPE_*
  uint32_t key_bytes = 0;
  uint32_t value_bytes = 0;
  uint32_t max_entries = 0;
  uint32_t btf_id = 0;  // 0: none
  uint32_t btf_value_type_id = 0;
  uint64_t memlock_bytes = 0;  // what the kernel says that the map takes

  bool is_sk_storage() const;
  bool is_per_cpu() const;
};

// As bpftool calls it: "sk_storage".
std::string MapTypeName(uint32_t type);

// Whether the values of maps of this type can be captured.
bool CanBeCaptured(uint32_t type);

// The map with this id. kNotFound: there is none, or no longer. Needs CAP_SYS_ADMIN, as the kernel
// has it.
absl::StatusOr<KernelMap> OpenMapById(uint32_t id);

// The map of this name, of which the kernel keeps 15 bytes. Fails if several have it, with their
// ids; and if there is none, with names that are close. Needs CAP_SYS_ADMIN.
absl::StatusOr<KernelMap> OpenMapByName(std::string_view name);

// The map that is pinned here, in a BPF file system. Needs CAP_BPF and the right to read the file.
absl::StatusOr<KernelMap> OpenPinnedMap(const std::string& path);

// Every map there is, by id. Those that go away meanwhile are left out. Needs CAP_SYS_ADMIN.
absl::StatusOr<std::vector<KernelMap>> OpenAllMaps();

// OK if it can be captured; otherwise says what can be.
absl::Status CheckCanBeCaptured(const KernelMap& map);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_KERNEL_MAP_H_
