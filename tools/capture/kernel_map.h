// KernelMap: a descriptor of a BPF map, and the kernel's description of the map.
//
// As thread-safe as libbpf: the functions have no state.

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
  std::string name = {};  // the kernel keeps 15 bytes
  uint32_t type = 0;      // BPF_MAP_TYPE_*
  uint32_t key_bytes = 0;
  uint32_t value_bytes = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;   // BPF_F_*
  uint32_t btf_id = 0;  // 0: no BTF
  uint32_t btf_value_type_id = 0;
  uint64_t memlock_bytes = 0;  // the kernel's own figure

  bool is_sk_storage() const;
  bool is_task_storage() const;
  bool is_cgroup_storage() const;
  // Any of these: the values belong to sockets, tasks or cgroups.
  bool is_owner_storage() const;
  bool is_per_cpu() const;
};

// The type's name in bpftool: "sk_storage".
std::string MapTypeName(uint32_t type);

// Whether the values of maps of this type can be captured.
bool CanBeCaptured(uint32_t type);

// The map with this id. kNotFound: there is none, or no longer. Needs CAP_SYS_ADMIN.
absl::StatusOr<KernelMap> OpenMapById(uint32_t id);

// The map of this name, of which the kernel keeps 15 bytes; the storage, if a map of inlay.bpf.h
// has it. If several maps have it, the error lists their ids; if none has, it lists similar names.
// Needs CAP_SYS_ADMIN.
absl::StatusOr<KernelMap> OpenMapByName(std::string_view name);

// The map that is pinned here, in a BPF file system. Needs CAP_BPF and the right to read the file.
absl::StatusOr<KernelMap> OpenPinnedMap(const std::string& path);

// Every map, sorted by id, without those that are freed meanwhile. Needs CAP_SYS_ADMIN.
absl::StatusOr<std::vector<KernelMap>> OpenAllMaps();

// OK if the map can be captured; otherwise an error that lists the types that can.
absl::Status CheckCanBeCaptured(const KernelMap& map);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_KERNEL_MAP_H_
