// LiveMap: what a Replace() leaves in NAME_codes if its process is killed at some step. The new key
// may lead to an index that has the former value still, or one that is half written; the former key
// may lead there as well, or none.

#include <bpf/bpf.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "engine/live_maps/kernel_maps.h"
#include "engine/live_maps/map_lock.h"
#include "engine/live_maps/map_objects.h"
#include "inlay/live_map.h"

namespace inlay {
namespace {

using Bytes = std::vector<std::byte>;

}  // namespace

// A living one has this lock. Null, and kOk, beside one: it cleans up itself.
Status LiveMap::LockForRepair(std::unique_ptr<MapLock>* lock) const {
  const Status locked =
      MapLock::Take(maps_->fd(Part::kState), MapLock::Of::kReplacing, false, lock);
  return locked == Status::kExists ? Status::kOk : locked;
}

Status LiveMap::RepairKeys() {
  std::unique_ptr<MapLock> lock;
  if (const Status locked = LockForRepair(&lock); locked != Status::kOk || lock == nullptr) {
    return locked;
  }
  const int codes = maps_->fd(Part::kCodes);
  const auto leads = [&](const Bytes& key, uint32_t* index) {
    return bpf_map_lookup_elem(codes, key.data(), index) == 0;
  };
  const auto has_value = [&](uint32_t index, const Bytes& key) {
    return IsIndex(index) && std::equal(key.begin(), key.end(), maps_->value(index));
  };
  std::map<uint32_t, std::vector<Bytes>> stale;
  Bytes key(value_bytes());
  const void* at = nullptr;
  for (uint32_t keys = 0; keys < most_values(); ++keys) {
    if (bpf_map_get_next_key(codes, at, key.data()) != 0) break;
    at = key.data();
    uint32_t index = 0;
    uint32_t again = 0;
    // Twice, since a lookup beside a deletion may find another key's element (inlay.bpf.h).
    if (leads(key, &index) && !has_value(index, key) && leads(key, &again) && again == index &&
        !has_value(index, key)) {
      stale[index].push_back(key);
    }
  }
  for (const auto& [index, keys] : stale) {
    uint32_t found = 0;
    const Bytes value =
        IsIndex(index) ? Bytes(maps_->value(index), maps_->value(index) + key.size()) : Bytes();
    size_t kept = keys.size();
    if (IsIndex(index) && !(leads(value, &found) && found == index)) {
      kept = 0;
      if (const Status status = WriteValue(index, keys[kept]); status != Status::kOk) return status;
    }
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i != kept) bpf_map_delete_elem(codes, keys[i].data());
    }
  }
  return Status::kOk;
}

Status LiveMap::RestoreKeys(const std::vector<uint32_t>& used) const {
  std::unique_ptr<MapLock> lock;
  if (const Status locked = LockForRepair(&lock); locked != Status::kOk || lock == nullptr) {
    return locked;
  }
  // Not if another index has the value: then this one is free when its sockets are gone.
  for (const uint32_t index : used) {
    bpf_map_update_elem(maps_->fd(Part::kCodes), maps_->value(index), &index, BPF_NOEXIST);
  }
  return Status::kOk;
}

}  // namespace inlay
