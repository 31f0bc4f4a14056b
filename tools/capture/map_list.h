// The maps that can be captured, and what they take of the kernel's memory.

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
  std::string value_type = {};  // by its BTF, "struct flow"; empty: not known
  std::vector<std::string> pinned = {};
  std::optional<uint64_t> entries = {};  // nothing: could not be counted
  uint64_t memlock_bytes = 0;            // what the kernel says
  // sk_storage only: what its elements take of the kernel's slabs. The kernel's figure leaves them
  // out.
  std::optional<uint64_t> element_bytes = {};
  // sk_storage only: what the sockets' storages take beside if this is the only map that the
  // sockets have values in.
  std::optional<uint64_t> storage_bytes = {};
};

struct MapList {
  std::vector<ListedMap> maps = {};  // by id
  std::vector<std::string> notes = {};
};

// Counts the entries of every map, in time linear in them. Fails without CAP_SYS_ADMIN, which the
// kernel demands of whoever lists maps; as OpenCapture() does; and always (kUnimplemented) if the
// library was built without libbpf or a compiler for BPF. Not thread-safe.
absl::StatusOr<MapList> ListMaps();

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_MAP_LIST_H_
