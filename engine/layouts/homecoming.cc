// How spilled owners of an index map come home to the table without a write.

#include "engine/layouts/homecoming.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/layouts/private_values.h"
#include "engine/memory/allocate.h"
#include "engine/sync/background_task.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

constexpr size_t kHomeStep = 16384;  // spilled owners that the library's thread looks at in a step
constexpr size_t kHomeProbe = 512;   // and while most of them stay where they are
constexpr size_t kFruitfulShare = 16;   // a step is fruitful if 1/16 of them come home
constexpr uint32_t kLongestPause = 15;  // grace periods between steps that are not

}  // namespace

struct IndexMap::HomeWalk {
  size_t seen = 0;
  size_t home = 0;
  bool has_reclaimed = false;
  bool table_is_full = false;  // only values that it holds already can come home
};

Status IndexMap::StartHomecoming() noexcept {
  homecoming_ = TryNew<Homecoming>(this);
  if (homecoming_ == nullptr) return Status::kNoMemory;
  homecoming_->task.Own(TryNew<BackgroundTask>(
      [](void* homecoming) { static_cast<Homecoming*>(homecoming)->map->BringHomeInBackground(); },
      homecoming_.get()));
  if (!homecoming_->task) return Status::kNoMemory;
  table_->SetDeathTask(homecoming_->task.get());
  return Status::kOk;
}

// Before the store forgets the map: from then on, Close() does not wait for the owner's lock. The
// task itself goes with the map: until the store has forgotten the map, Close() may schedule it.
void IndexMap::StopHomecoming() noexcept {
  if (homecoming_ != nullptr && homecoming_->task) homecoming_->task->Stop();
}

// The owner may be gone, and another one in its place. But while its private value is there and we
// hold its lock, it exists: Close() makes the code absent, and then waits for the lock to remove
// the value.
void IndexMap::BringOneHome(const OwnerRef& owner, HomeWalk* walk) noexcept {
  const ReadSection section;
  MutexLock lock(&private_values_->LockOf(owner));
  const std::byte* const value = private_values_->Get(owner);
  if (value == nullptr) return;
  INLAY_TEST_POINT("bring_home.value_found");
  uint32_t code = owner.words().Load(field_);
  if (code != field_.spilled_code()) return;  // Close() or Delete() waits for the lock
  ++walk->seen;
  const std::span<const std::byte> bytes(value, options_.value_bytes);
  ValueIndex index = kNoIndex;
  if (!walk->table_is_full && table_->Intern(bytes, &index) != Status::kOk) {
    if (!walk->has_reclaimed) {
      walk->has_reclaimed = true;
      table_->Reclaim();
    }
    walk->table_is_full = table_->Intern(bytes, &index) != Status::kOk;
  } else if (walk->table_is_full) {
    index = table_->Find(bytes);
    if (index != kNoIndex && !table_->TryRef(index)) index = kNoIndex;
  }
  if (index == kNoIndex) return;
  INLAY_TEST_POINT("bring_home.interned");
  if (!owner.words().CompareExchange(field_, &code, index)) {
    table_->Release(index);
    return;
  }
  // The owner may go from here on: Close() has no reason to wait for the lock any more. The value
  // is removed by the owner's address, which no other owner can give a value before we are done.
  INLAY_TEST_POINT("bring_home.swapped");
  RemovePrivate(owner);
  ++walk->home;
}

IndexMap::HomeWalk IndexMap::WalkHome(size_t most_owners) noexcept {
  HomeWalk walk;
  if (spilled_now_.load(std::memory_order_relaxed) == 0) return walk;
  const auto visit = [&](const OwnerRef& owner) { BringOneHome(owner, &walk); };
  OwnerPopulation* const population = store_.options().population;
  if (store_.options().private_values == nullptr) {
    private_values_->ForSomeOwners(most_owners, visit);
  } else if (population != nullptr) {
    population->ForEachOwner([&](const OwnerRef& owner) {
      const bool is_spilled =
          owner.words().Holds(field_) && owner.words().Load(field_) == field_.spilled_code();
      if (is_spilled && walk.seen < most_owners) visit(owner);
    });
  }
  brought_home_.fetch_add(walk.home, std::memory_order_relaxed);
  return walk;
}

size_t IndexMap::BringHome(size_t most_owners) noexcept {
  return is_interned() ? WalkHome(most_owners).home : 0;
}

// After an owner has spilled.
void IndexMap::WatchSpilled() noexcept {
  if (homecoming_ == nullptr) return;
  table_->ScheduleOnDeath(true);
  homecoming_->task->Schedule();
}

// A step. Steps follow each other while they are fruitful; then they get smaller and pauses grow,
// so that a map with far more values than indexes costs little. They end when no owner has spilled,
// or when the table can have no room: then the next spill, or the next value that loses its last
// reference, begins anew.
void IndexMap::BringHomeInBackground() noexcept {
  Homecoming& homecoming = *homecoming_;
  if (spilled_now_.load(std::memory_order_seq_cst) == 0) {
    table_->ScheduleOnDeath(false);
    // An owner that spills meanwhile counts itself before it asks to be told of deaths.
    if (spilled_now_.load(std::memory_order_seq_cst) == 0) return;
    table_->ScheduleOnDeath(true);
  }
  if (homecoming.rest > 0) {
    --homecoming.rest;
    homecoming.task->Schedule();
    return;
  }
  const HomeWalk walk = WalkHome(homecoming.pause == 0 ? kHomeStep : kHomeProbe);
  const bool fruitful = walk.home > 0 && walk.home * kFruitfulShare >= walk.seen;
  homecoming.pause = fruitful ? 0 : std::min(2 * homecoming.pause + 1, kLongestPause);
  homecoming.rest = homecoming.pause;
  if (walk.home > 0 || table_->MayHaveRoom()) homecoming.task->Schedule();
}

}  // namespace inlay
