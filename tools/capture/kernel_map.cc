#include "tools/capture/kernel_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/analysis/grammar/close_names.h"
#include "tools/capture/inlay_map.h"
#include "tools/capture/system/capabilities.h"

namespace inlay::capture {
namespace {

// BPF_MAP_TYPE_CGRP_STORAGE, which headers before Linux 6.2 do not have.
constexpr uint32_t kCgroupStorage = 32;

const std::vector<Capability> kToFind = {Capability::kSysAdmin};
const std::vector<Capability> kToOpen = {Capability::kBpf};

absl::StatusOr<KernelMap> Describe(live_kernel::FileDescriptor fd, const std::string& what) {
  bpf_map_info info = {};
  uint32_t bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) {
    if (errno == EINVAL) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": is not a BPF map"));
    }
    return CallFailed(what, errno, kToOpen);
  }
  KernelMap map;
  map.fd = std::move(fd);
  map.id = info.id;
  map.name = info.name;
  map.type = info.type;
  map.key_bytes = info.key_size;
  map.value_bytes = info.value_size;
  map.max_entries = info.max_entries;
  map.flags = info.map_flags;
  map.btf_id = info.btf_id;
  map.btf_value_type_id = info.btf_value_type_id;
  return map;
}

// The kernel reports it in fdinfo, not in bpf_map_info.
uint64_t MemlockBytes(int fd) {
  const std::string path = absl::StrCat("/proc/self/fdinfo/", fd);
  uint64_t bytes = 0;
  if (FILE* const file = std::fopen(path.c_str(), "re")) {
    char line[256];
    while (std::fgets(line, sizeof(line), file) != nullptr) {
      uint64_t value = 0;
      if (std::sscanf(line, "memlock: %" SCNu64, &value) == 1) bytes = value;
    }
    std::fclose(file);
  }
  return bytes;
}

}  // namespace

bool KernelMap::is_sk_storage() const { return type == BPF_MAP_TYPE_SK_STORAGE; }
bool KernelMap::is_task_storage() const { return type == BPF_MAP_TYPE_TASK_STORAGE; }
bool KernelMap::is_cgroup_storage() const { return type == kCgroupStorage; }
bool KernelMap::is_owner_storage() const {
  return is_sk_storage() || is_task_storage() || is_cgroup_storage();
}

bool KernelMap::is_per_cpu() const {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
         type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

std::string MapTypeName(uint32_t type) {
  const char* const name = libbpf_bpf_map_type_str(static_cast<bpf_map_type>(type));
  if (name == nullptr && type == kCgroupStorage) return "cgrp_storage";
  return name != nullptr ? name : absl::StrCat("type ", type);
}

bool CanBeCaptured(uint32_t type) {
  switch (type) {
    case BPF_MAP_TYPE_SK_STORAGE:
    case BPF_MAP_TYPE_TASK_STORAGE:
    case kCgroupStorage:
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<KernelMap> OpenMapById(uint32_t id) {
  const std::string what = absl::StrCat("map ", id);
  live_kernel::FileDescriptor fd(bpf_map_get_fd_by_id(id));
  if (!fd.ok()) {
    if (errno == ENOENT) {
      return absl::NotFoundError(absl::StrCat(what, ": no map has this id"));
    }
    return CallFailed(what, errno, kToFind);
  }
  absl::StatusOr<KernelMap> map = Describe(std::move(fd), what);
  if (map.ok()) map->memlock_bytes = MemlockBytes(map->fd.get());
  return map;
}

absl::StatusOr<std::vector<KernelMap>> OpenAllMaps() {
  std::vector<KernelMap> maps;
  uint32_t id = 0;
  while (bpf_map_get_next_id(id, &id) == 0) {
    absl::StatusOr<KernelMap> map = OpenMapById(id);
    if (map.ok()) {
      maps.push_back(*std::move(map));
    } else if (!absl::IsNotFound(map.status())) {
      return map.status();
    }
  }
  if (errno != ENOENT) return CallFailed("listing the BPF maps", errno, kToFind);
  return maps;
}

absl::StatusOr<KernelMap> OpenMapByName(std::string_view name) {
  constexpr size_t kKeptBytes = BPF_OBJ_NAME_LEN - 1;
  absl::StatusOr<std::vector<KernelMap>> maps = OpenAllMaps();
  if (!maps.ok()) {
    return absl::Status(maps.status().code(), absl::StrCat("--map ", std::string(name), ": ",
                                                           std::string(maps.status().message())));
  }
  std::set<std::string> names;
  std::vector<std::string> ids;
  KernelMap* found = nullptr;
  for (KernelMap& map : *maps) {
    if (!map.name.empty()) names.insert(map.name);
    if (map.name != name.substr(0, kKeptBytes)) continue;
    ids.push_back(absl::StrCat(map.id, " (", MapTypeName(map.type), ")"));
    found = &map;
  }
  if (ids.size() > 1) {
    // A long name is that of other parts of the same map too.
    const std::vector<InlayMap> shared = FindInlayMaps(*maps);
    const auto is_it = [&](const InlayMap& map) { return map.name == name; };
    if (std::count_if(shared.begin(), shared.end(), is_it) == 1) {
      const uint32_t id = std::find_if(shared.begin(), shared.end(), is_it)->storage_id;
      for (KernelMap& map : *maps) {
        if (map.id == id) return std::move(map);
      }
    }
    return absl::InvalidArgumentError(
        absl::StrCat("--map ", std::string(name), ": ", ids.size(),
                     " maps have this name; choose one with --map-id: ", absl::StrJoin(ids, ", ")));
  }
  if (found == nullptr) {
    const std::vector<std::string> close = analysis::CloseNames(std::string(name), names, 5);
    return absl::NotFoundError(absl::StrCat("--map ", std::string(name), ": no map has this name",
                                            close.empty() ? "" : "; there is ",
                                            absl::StrJoin(close, ", ")));
  }
  return std::move(*found);
}

absl::StatusOr<KernelMap> OpenPinnedMap(const std::string& path) {
  // Read-only, so that a user without the right to write may capture.
  struct bpf_obj_get_opts options = {};  // `struct`, since a function has the same name
  options.sz = sizeof(options);
  options.file_flags = BPF_F_RDONLY;
  live_kernel::FileDescriptor fd(bpf_obj_get_opts(path.c_str(), &options));
  if (!fd.ok() && errno == EACCES && MissingCapabilities(kToOpen).empty()) {
    // The kernel also answers EACCES for a file outside of a BPF file system.
    return absl::PermissionDeniedError(
        absl::StrCat(path, ": is not in a BPF file system, or this user may not read it"));
  }
  if (!fd.ok()) return CallFailed(path, errno, kToOpen);
  absl::StatusOr<KernelMap> map = Describe(std::move(fd), path);
  if (map.ok()) map->memlock_bytes = MemlockBytes(map->fd.get());
  return map;
}

absl::Status CheckCanBeCaptured(const KernelMap& map) {
  if (CanBeCaptured(map.type)) return absl::OkStatus();
  if (map.type == BPF_MAP_TYPE_INODE_STORAGE) {
    return absl::InvalidArgumentError(
        absl::StrCat("map ", map.id, " '", map.name,
                     "' is of type inode_storage: the kernel has no iterator that finds inodes "
                     "with values"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "map ", map.id, " '", map.name, "' is of type ", MapTypeName(map.type),
      ", which cannot be captured; sk_storage, task_storage, cgrp_storage, hash, lru_hash, "
      "percpu_hash, lru_percpu_hash, array and percpu_array can"));
}

}  // namespace inlay::capture
