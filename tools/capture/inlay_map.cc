#include "tools/capture/inlay_map.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inlay/bpf_map_state.h"
#include "tools/capture/value_schema.h"

namespace inlay::capture {
namespace {

constexpr char kData[] = ".data.";
constexpr char kStateEnding[] = "_state";
constexpr uint32_t kMostStateBytes = 1 << 20;  // 65,534 indexes take 5 bytes each

// The kernel keeps 15 bytes of a name.
bool HasName(const KernelMap& map, const std::string& name) {
  return map.name == std::string_view(name).substr(0, BPF_OBJ_NAME_LEN - 1);
}

// The description in the state of a map; nothing if this is no state.
std::optional<inlay_map_state> ReadState(const KernelMap& map) {
  inlay_map_state head = {};
  if (map.type != BPF_MAP_TYPE_ARRAY || map.max_entries != 1 || map.value_bytes < sizeof(head) ||
      map.value_bytes > kMostStateBytes || !map.name.starts_with(kData)) {
    return std::nullopt;
  }
  std::vector<uint8_t> bytes(size_t{map.value_bytes} + 7);  // the kernel copies whole words
  const uint32_t first = 0;
  if (bpf_map_lookup_elem(map.fd.get(), &first, bytes.data()) != 0) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (head.magic != INLAY_STATE_MAGIC || head.version != INLAY_STATE_VERSION || head.width < 2 ||
      head.width > 16 || head.shift > 32 - head.width || head.value_bytes == 0 ||
      head.most_values == 0 || head.most_values > (1u << head.width) - 2 ||
      head.hints_offset > map.value_bytes - head.most_values) {
    return std::nullopt;
  }
  return head;
}

bool IsStorageOf(const inlay_map_state& head, const KernelMap& map) {
  return map.is_sk_storage() && map.value_bytes == head.value_bytes;
}

bool IsValuesOf(const inlay_map_state& head, const KernelMap& map) {
  return map.type == BPF_MAP_TYPE_ARRAY && map.max_entries == 1 &&
         map.value_bytes == uint64_t{head.most_values} * head.value_bytes;
}

bool IsCodesOf(const inlay_map_state& head, const KernelMap& map) {
  return map.type == BPF_MAP_TYPE_HASH && map.key_bytes == head.value_bytes &&
         map.value_bytes == sizeof(uint32_t) && map.max_entries == head.most_values;
}

bool IsFreeOf(const inlay_map_state& head, const KernelMap& map) {
  return map.type == BPF_MAP_TYPE_STACK && map.value_bytes == sizeof(uint32_t) &&
         map.max_entries == head.most_values;
}

// The one map that `matches`. Of several, the one with the BTF of the state: an object that is
// loaded twice has the same names twice. Null if that does not tell either.
template <typename Matches>
const KernelMap* TheOne(const std::vector<KernelMap>& maps, const KernelMap& state,
                        const Matches& matches) {
  const KernelMap* found = nullptr;
  size_t of_object = 0;
  size_t others = 0;
  for (const KernelMap& map : maps) {
    if (map.id == state.id || !matches(map)) continue;
    const bool same = state.btf_id != 0 && map.btf_id == state.btf_id;
    if (same || of_object == 0) found = &map;
    ++(same ? of_object : others);
  }
  if (of_object != 0) return of_object == 1 ? found : nullptr;
  return others == 1 ? found : nullptr;
}

// The name of the section that is the type of a state or of values; empty without BTF.
std::string SectionOf(const KernelMap& map) {
  std::string section = ValueTypeName(map);
  return section.starts_with(kData) ? section : std::string();
}

// Nothing if the storage or the values are not found.
std::optional<InlayMap> MapOfState(const std::vector<KernelMap>& maps, const KernelMap& state,
                                   const inlay_map_state& head) {
  InlayMap found;
  found.state = head;
  std::string section = SectionOf(state);
  if (section.ends_with(kStateEnding)) {
    section.resize(section.size() - std::string_view(kStateEnding).size());
    found.name = section.substr(std::string_view(kData).size());
  }
  const KernelMap* const storage = TheOne(maps, state, [&](const KernelMap& map) {
    if (!IsStorageOf(head, map)) return false;
    return found.name.empty() ? HasName(state, absl::StrCat(kData, map.name, kStateEnding))
                              : HasName(map, found.name);
  });
  if (storage == nullptr) return std::nullopt;
  if (found.name.empty()) found.name = storage->name;
  const KernelMap* const values = TheOne(maps, state, [&](const KernelMap& map) {
    if (!IsValuesOf(head, map) || !HasName(map, absl::StrCat(kData, found.name))) return false;
    const std::string of_values = SectionOf(map);
    return section.empty() || of_values.empty() || of_values == section;
  });
  if (values == nullptr) return std::nullopt;
  found.storage_id = storage->id;
  found.values_id = values->id;
  found.state_id = state.id;
  const KernelMap* const codes = TheOne(maps, state, [&](const KernelMap& map) {
    return IsCodesOf(head, map) && HasName(map, absl::StrCat(found.name, "_codes"));
  });
  if (codes != nullptr) found.codes_id = codes->id;
  // Has no BTF, since the kernel has none for stacks.
  const KernelMap* const free = TheOne(maps, state, [&](const KernelMap& map) {
    return IsFreeOf(head, map) && HasName(map, absl::StrCat(found.name, "_free"));
  });
  if (free != nullptr) found.free_id = free->id;
  return found;
}

// By the pins of LiveMap::Pin(); nothing if they are not there.
std::optional<OpenInlayMap> MapOfPins(const KernelMap& storage, const std::string& pin) {
  constexpr std::string_view kStorageEnding = "_storage";
  if (!pin.ends_with(kStorageEnding)) return std::nullopt;
  const std::string path = pin.substr(0, pin.size() - kStorageEnding.size());
  absl::StatusOr<KernelMap> state = OpenPinnedMap(path + "_state");
  absl::StatusOr<KernelMap> values = OpenPinnedMap(path + "_values");
  if (!state.ok() || !values.ok()) return std::nullopt;
  const std::optional<inlay_map_state> head = ReadState(*state);
  if (!head.has_value() || !IsStorageOf(*head, storage) || !IsValuesOf(*head, *values)) {
    return std::nullopt;
  }
  OpenInlayMap found;
  found.map.name = path.substr(path.rfind('/') + 1);
  found.map.state = *head;
  found.map.storage_id = storage.id;
  found.map.values_id = values->id;
  found.map.state_id = state->id;
  found.values = *std::move(values);
  found.state = *std::move(state);
  return found;
}

}  // namespace

std::vector<uint32_t> InlayMap::part_ids() const {
  std::vector<uint32_t> ids;
  for (const uint32_t id : {storage_id, values_id, state_id, codes_id, free_id}) {
    if (id != 0) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<InlayMap> FindInlayMaps(const std::vector<KernelMap>& maps) {
  std::vector<InlayMap> found;
  for (const KernelMap& state : maps) {
    const std::optional<inlay_map_state> head = ReadState(state);
    if (!head.has_value()) continue;
    std::optional<InlayMap> map = MapOfState(maps, state, *head);
    if (map.has_value()) found.push_back(*std::move(map));
  }
  std::sort(found.begin(), found.end(),
            [](const InlayMap& a, const InlayMap& b) { return a.storage_id < b.storage_id; });
  return found;
}

absl::StatusOr<std::optional<OpenInlayMap>> FindInlayMapOf(const KernelMap& storage,
                                                           const std::string& pin) {
  std::optional<OpenInlayMap> pinned = MapOfPins(storage, pin);
  if (pinned.has_value()) return pinned;
  absl::StatusOr<std::vector<KernelMap>> maps = OpenAllMaps();
  if (!maps.ok()) return maps.status();
  for (InlayMap& map : FindInlayMaps(*maps)) {
    if (map.storage_id != storage.id) continue;
    OpenInlayMap found;
    for (KernelMap& part : *maps) {
      if (part.id == map.values_id) {
        found.values = std::move(part);
      } else if (part.id == map.state_id) {
        found.state = std::move(part);
      }
    }
    found.map = std::move(map);
    return found;
  }
  return std::nullopt;
}

}  // namespace inlay::capture
