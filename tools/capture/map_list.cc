#include "tools/capture/map_list.h"

#include <map>
#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inlay/memory_usage.h"
#include "tools/capture/inlay_map.h"
#include "tools/capture/kernel_map.h"
#include "tools/capture/pinned_maps.h"
#include "tools/capture/table_reader.h"
#include "tools/capture/value_schema.h"
#include "tools/capture/walk/walk_programs.h"

namespace inlay::capture {
namespace {

absl::Status NoRecord(uint64_t, std::span<const uint8_t>) { return absl::OkStatus(); }

// Counts the values of socket storage. Loads its program when the first map needs it.
class ElementCounter {
 public:
  absl::StatusOr<uint64_t> Count(const KernelMap& map) {
    if (programs_ == nullptr) {
      if (!failed_.ok()) return failed_;
      WalkPrograms::Options options;
      options.programs = {"count_in_map"};
      absl::StatusOr<std::unique_ptr<WalkPrograms>> loaded = WalkPrograms::Load(options);
      if (!loaded.ok()) return failed_ = loaded.status();
      programs_ = *std::move(loaded);
    }
    const absl::StatusOr<WalkProgress> progress = programs_->Walk(
        "count_in_map", {.map_fd = map.fd.get()}, WalkPrograms::kSeldomBytes, NoRecord, {});
    if (!progress.ok()) return progress.status();
    return progress->visited;
  }

 private:
  std::unique_ptr<WalkPrograms> programs_;
  absl::Status failed_;
};

// Counts the tasks or cgroups with a value in the map.
absl::StatusOr<uint64_t> CountOwners(const KernelMap& map) {
  const std::string program = map.is_task_storage() ? "count_by_task" : "count_by_cgroup";
  WalkPrograms::Options options;
  options.programs = {program};
  options.storage_map_fd = map.fd.get();
  const absl::StatusOr<std::unique_ptr<WalkPrograms>> loaded = WalkPrograms::Load(options);
  if (!loaded.ok()) return loaded.status();
  const absl::StatusOr<WalkProgress> progress = (*loaded)->Walk(
      program, {.all_cgroups = map.is_cgroup_storage()}, WalkPrograms::kSeldomBytes, NoRecord, {});
  if (!progress.ok()) return progress.status();
  return progress->visited;
}

// One of the maps, by its id; null for an id of 0.
const KernelMap* Find(const std::vector<KernelMap>& maps, uint32_t id) {
  for (const KernelMap& map : maps) {
    if (map.id == id) return &map;
  }
  return nullptr;
}

// Slab bytes of the values that belong to owners.
void AddStorageBytes(uint64_t owners, uint32_t value_bytes, ListedMap* listed) {
  listed->element_bytes = owners * KmallocBytes(kStorageElementHeaderBytes + value_bytes);
  listed->storage_bytes = owners * KmallocBytes(kLocalStorageBytes);
}

absl::StatusOr<uint64_t> NoCodes() {
  return absl::FailedPreconditionError("its hash map of values cannot be told from others");
}

// Turns the entry of a storage into that of its whole map. Returns why it was not counted.
absl::Status ListInlayMap(const std::vector<KernelMap>& all, const InlayMap& map,
                          const KernelMap& storage, ElementCounter& counter, ListedMap* listed) {
  listed->name = map.name;
  listed->type = kInlayMapKind;
  listed->memlock_bytes = 0;
  ListedInlayMap& of_inlay = listed->inlay_map.emplace();
  of_inlay.mark_shift = map.state.shift;
  of_inlay.mark_width = map.state.width;
  of_inlay.most_values = map.state.most_values;
  of_inlay.part_ids = map.part_ids();
  for (const uint32_t id : of_inlay.part_ids) listed->memlock_bytes += Find(all, id)->memlock_bytes;
  const KernelMap* const codes = Find(all, map.codes_id);
  const absl::StatusOr<uint64_t> values = codes == nullptr ? NoCodes() : CountTableEntries(*codes);
  if (values.ok()) listed->entries = *values;
  const absl::StatusOr<uint64_t> spilled = counter.Count(storage);
  if (!spilled.ok()) return spilled.status();
  of_inlay.spilled_sockets = *spilled;
  AddStorageBytes(*spilled, storage.value_bytes, listed);
  return values.status();
}

}  // namespace

absl::StatusOr<MapList> ListMaps() {
  const absl::StatusOr<std::vector<KernelMap>> all = OpenAllMaps();
  if (!all.ok()) return all.status();
  const std::map<uint32_t, std::vector<std::string>> pinned = FindPinnedMaps();
  const std::vector<InlayMap> inlay_maps = FindInlayMaps(*all);
  std::map<uint32_t, const InlayMap*> of_part;
  for (const InlayMap& map : inlay_maps) {
    for (const uint32_t id : map.part_ids()) of_part[id] = &map;
  }
  ElementCounter counter;
  MapList list;
  for (const KernelMap& map : *all) {
    if (!CanBeCaptured(map.type)) continue;
    const auto part = of_part.find(map.id);
    const InlayMap* const whole = part == of_part.end() ? nullptr : part->second;
    if (whole != nullptr && whole->storage_id != map.id) continue;
    ListedMap listed;
    listed.id = map.id;
    listed.name = map.name;
    listed.type = MapTypeName(map.type);
    listed.value_bytes = map.value_bytes;
    listed.value_type = ValueTypeName(map);
    if (const auto paths = pinned.find(map.id); paths != pinned.end()) {
      listed.pinned = paths->second;
    }
    listed.memlock_bytes = map.memlock_bytes;
    const auto not_counted = [&](const absl::Status& why) {
      list.notes.push_back(absl::StrCat("map ", map.id, " '", listed.name,
                                        "' was not counted: ", std::string(why.message())));
    };
    if (whole != nullptr) {
      const absl::Status counted = ListInlayMap(*all, *whole, map, counter, &listed);
      if (!counted.ok()) not_counted(counted);
      list.maps.push_back(std::move(listed));
      continue;
    }
    const absl::StatusOr<uint64_t> entries = map.is_sk_storage()      ? counter.Count(map)
                                             : map.is_owner_storage() ? CountOwners(map)
                                                                      : CountTableEntries(map);
    if (entries.ok()) {
      listed.entries = *entries;
    } else {
      not_counted(entries.status());
    }
    if (map.is_owner_storage() && entries.ok()) {
      AddStorageBytes(*entries, map.value_bytes, &listed);
    }
    list.maps.push_back(std::move(listed));
  }
  return list;
}

}  // namespace inlay::capture
