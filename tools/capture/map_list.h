// Lists the maps that can be captured, and the kernel memory that each takes.

#ifndef INLAY_TOOLS_CAPTURE_MAP_LIST_H_
#define INLAY_TOOLS_CAPTURE_MAP_LIST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace inlay::capture {

// What a map of inlay.bpf.h has beside that.
struct ListedInlayMap {
  uint32_t mark_shift = 0;  // its field in the mark: the lowest bit, and how many bits
  uint32_t mark_width = 0;
  uint32_t most_values = 0;
  std::optional<uint64_t> spilled_sockets = {};  // with a value, or a copy, of their own
  std::vector<uint32_t> part_ids = {};           // the kernel's maps that it consists of, sorted
};

struct ListedMap {
  uint32_t id = 0;
  std::string name = {};
  std::string type = {};  // "sk_storage", "inlay_map"
  uint64_t value_bytes = 0;
  std::string value_type = {};  // from BTF, "struct flow"; empty: unknown
  std::vector<std::string> pinned = {};
  // Of a map of inlay.bpf.h, its values. Empty: could not be counted.
  std::optional<uint64_t> entries = {};
  uint64_t memlock_bytes = 0;  // the kernel's own figure
  // Storage of sockets, tasks and cgroups only: slab bytes of its elements, which memlock_bytes
  // leaves out.
  std::optional<uint64_t> element_bytes = {};
  // Likewise: slab bytes of the owners' storages, as if the owners had values in no other
  // map.
  std::optional<uint64_t> storage_bytes = {};
  // Of a map of inlay.bpf.h, which is listed as one, by the id of its storage; its parts are not.
  std::optional<ListedInlayMap> inlay_map = {};
};

struct MapList {
  std::vector<ListedMap> maps = {};  // by id
  std::vector<std::string> notes = {};
};

// Counts the entries of every map, in time linear in them. Needs CAP_SYS_ADMIN. Otherwise fails as
// OpenCapture() does. Not thread-safe.
absl::StatusOr<MapList> ListMaps();

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_MAP_LIST_H_
