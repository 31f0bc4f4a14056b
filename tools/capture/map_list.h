// Lists the maps that can be captured, and the kernel memory that each takes.

#ifndef INLAY_TOOLS_CAPTURE_MAP_LIST_H_
#define INLAY_TOOLS_CAPTURE_MAP_LIST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace inlay::capture {

struct ListedMap {
  uint32_t id = 0;
  std::string name = {};
  std::string type = {};  // "sk_storage"
  uint64_t value_bytes = 0;
  std::string value_type = {};  // from BTF, "struct flow"; empty: unknown
  std::vector<std::string> pinned = {};
  std::optional<uint64_t> entries = {};  // empty: could not be counted
  uint64_t memlock_bytes = 0;            // the kernel's own figure
  // Storage of sockets, tasks and cgroups only: slab bytes of its elements, which memlock_bytes
  // leaves out.
  std::optional<uint64_t> element_bytes = {};
  // Likewise: slab bytes of the owners' storages, as if the owners had values in no other
  // map.
  std::optional<uint64_t> storage_bytes = {};
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
