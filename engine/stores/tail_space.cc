#include "inlay/emulated/tail_space.h"

#include <atomic>
#include <cassert>
#include <span>
#include <vector>

#include "engine/memory/size_classes.h"
#include "engine/stores/map_registry.h"
#include "engine/sync/broken_rule.h"
#include "engine/sync/mutex.h"
#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"

namespace inlay {

struct TailSpace::Entry : MapEntry<TailMap> {
  uint32_t first_grain = 0;
  uint32_t grains = 0;
};

struct TailSpace::State {
  explicit State(uint32_t all_grains)
      : maps(std::make_unique<Entry[]>(all_grains), all_grains), taken(all_grains) {}

  // The start of the first run of `grains` free grains. taken.size() if there is none.
  size_t FindRoom(uint32_t grains) const EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    size_t run = 0;
    for (size_t at = 0; at < taken.size(); ++at) {
      run = taken[at] ? 0 : run + 1;
      if (run == grains) return at + 1 - grains;
    }
    return taken.size();
  }
  void Mark(const Entry& entry, bool is_taken) EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    for (uint32_t at = 0; at < entry.grains; ++at) taken[entry.first_grain + at] = is_taken;
    if (is_taken) {
      grains_taken += entry.grains;
    } else {
      grains_taken -= entry.grains;
    }
  }

  MapRegistry<TailMap, Entry> maps;  // as many entries as places of the smallest size fit
  mutable Mutex mutex;
  std::vector<bool> taken GUARDED_BY(mutex);
  uint32_t grains_taken GUARDED_BY(mutex) = 0;
};

TailSpace::TailSpace(SocketTable& table, uint32_t bytes)
    : table_(table),
      bytes_(bytes),
      state_(std::make_unique<State>(bytes / kGrainBytes)),
      elsewhere_(std::make_unique<SizeClasses>()) {}

TailSpace::~TailSpace() {
  for (const Entry& entry : state_->maps.InUse()) {
    if (entry.phase.load() == Entry::Phase::kFree) continue;
    BrokenRule("map", "", "outlives its SocketTable: destroy all its maps first");
  }
  RetireBarrier();
}

Status TailSpace::Register(TailMap* map, uint32_t bytes, uint32_t* offset_bytes) noexcept {
  assert(bytes > 0 && bytes % kGrainBytes == 0);
  const uint32_t grains = bytes / kGrainBytes;
  MutexLock lock(&state_->mutex);
  const size_t first = state_->FindRoom(grains);
  if (first == state_->taken.size()) return Status::kNoMemory;
  Entry* const entry = state_->maps.FindFree();
  entry->first_grain = static_cast<uint32_t>(first);
  entry->grains = grains;
  state_->Mark(*entry, true);
  *offset_bytes = static_cast<uint32_t>(sizeof(Socket)) + entry->first_grain * kGrainBytes;
  state_->maps.GoLive(entry, map);
  return Status::kOk;
}

void TailSpace::Unregister(TailMap* map) noexcept {
  Entry* dead = nullptr;
  {
    MutexLock lock(&state_->mutex);  // other threads may register and free other maps meanwhile
    dead = state_->maps.FindLive(map);
  }
  dead->phase.store(Entry::Phase::kDead, std::memory_order_release);
  // After this, no clone makes a value of this map, and no reader has one. ForEach() visits every
  // socket that may still have a value: a socket that is closed meanwhile releases it in
  // CloseOwner(), and a new one has none.
  Synchronize();
  table_.ForEach([map](Socket& socket) { map->ReleaseValue(socket, true); });
  dead->phase.store(Entry::Phase::kEmptied, std::memory_order_release);
  Synchronize();
  MutexLock lock(&state_->mutex);
  state_->Mark(*dead, false);
  dead->phase.store(Entry::Phase::kFree, std::memory_order_release);
}

void TailSpace::CloseOwner(Socket& socket) noexcept {
  ReadSection section;
  for (Entry& entry : state_->maps.InUse()) {
    const Entry::Phase phase = entry.phase.load(std::memory_order_acquire);
    if (phase != Entry::Phase::kLive && phase != Entry::Phase::kDead) continue;
    entry.map->ReleaseValue(socket, false);
  }
}

Status TailSpace::CloneOwner(Socket& parent, Socket& child) noexcept {
  ReadSection section;
  for (Entry& entry : state_->maps.InUse()) {
    if (entry.phase.load(std::memory_order_acquire) != Entry::Phase::kLive) continue;
    const Status status = entry.map->CloneValue(parent, child);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

size_t TailSpace::InlineBytes(uint32_t bytes) const {
  MutexLock lock(&state_->mutex);
  return table_.sockets() * bytes_ * (bytes / kGrainBytes) / state_->grains_taken;
}

MemoryUsage TailSpace::memory_usage() const { return elsewhere_->memory_usage(); }

}  // namespace inlay
