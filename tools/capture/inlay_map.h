// InlayMap: a map of inlay/inlay.bpf.h among the maps of the kernel, which knows only its parts.
//
// As thread-safe as libbpf: the functions have no state.

#ifndef INLAY_TOOLS_CAPTURE_INLAY_MAP_H_
#define INLAY_TOOLS_CAPTURE_INLAY_MAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inlay/bpf_map_state.h"
#include "tools/capture/kernel_map.h"

namespace inlay::capture {

// What `inlay maps` and captures call the kind of such a map.
inline constexpr char kInlayMapKind[] = "inlay_map";

struct InlayMap {
  std::string name = {};       // as declared; without BTF, the 15 bytes that the kernel keeps
  inlay_map_state state = {};  // its description
  uint32_t storage_id = 0;
  uint32_t values_id = 0;
  uint32_t state_id = 0;
  // 0: several maps of the kernel could be that part.
  uint32_t codes_id = 0;
  uint32_t free_id = 0;

  std::vector<uint32_t> part_ids() const;
};

// The maps of inlay.bpf.h among these, by the ids of their storages. They are told by their states,
// and the parts by names, types and sizes, and by the BTF that the maps of one object have in
// common. Leaves out maps whose storage or values are not among these, or cannot be told from
// others.
std::vector<InlayMap> FindInlayMaps(const std::vector<KernelMap>& maps);

// What a capture needs beside the storage.
struct OpenInlayMap {
  InlayMap map = {};
  KernelMap values = {};
  KernelMap state = {};
};

// The map of inlay.bpf.h that has this storage; nothing if there is none. If the storage is pinned
// at `pin` as LiveMap::Pin() does it, looks at the pins beside it, which needs CAP_BPF. Otherwise
// looks at all maps, which needs CAP_SYS_ADMIN.
absl::StatusOr<std::optional<OpenInlayMap>> FindInlayMapOf(const KernelMap& storage,
                                                           const std::string& pin);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_INLAY_MAP_H_
