#include "tools/capture/map_list.h"

#include <map>
#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inlay/memory_usage.h"
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

}  // namespace

absl::StatusOr<MapList> ListMaps() {
  const absl::StatusOr<std::vector<KernelMap>> all = OpenAllMaps();
  if (!all.ok()) return all.status();
  const std::map<uint32_t, std::vector<std::string>> pinned = FindPinnedMaps();
  ElementCounter counter;
  MapList list;
  for (const KernelMap& map : *all) {
    if (!CanBeCaptured(map.type)) continue;
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
    const absl::StatusOr<uint64_t> entries = map.is_sk_storage()      ? counter.Count(map)
                                             : map.is_owner_storage() ? CountOwners(map)
                                                                      : CountTableEntries(map);
    if (entries.ok()) {
      listed.entries = *entries;
    } else {
      list.notes.push_back(absl::StrCat("map ", map.id, " '", map.name, "' was not counted: ",
                                        std::string(entries.status().message())));
    }
    if (map.is_owner_storage() && entries.ok()) {
      listed.element_bytes = *entries * KmallocBytes(kStorageElementHeaderBytes + map.value_bytes);
      listed.storage_bytes = *entries * KmallocBytes(kLocalStorageBytes);
    }
    list.maps.push_back(std::move(listed));
  }
  return list;
}

}  // namespace inlay::capture
