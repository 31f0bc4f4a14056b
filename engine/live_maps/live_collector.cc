#include "inlay/live_collector.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/live_maps/census.h"
#include "engine/live_maps/kernel_maps.h"
#include "engine/live_maps/map_lock.h"
#include "engine/live_maps/map_objects.h"

namespace inlay {
namespace {

class Watching {
 public:
  explicit Watching(Census& census) : census_(census) { census_.Watch(); }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  ~Watching() { census_.EndWatch(); }

 private:
  Census& census_;
};

}  // namespace

LiveCollector::LiveCollector(const std::vector<LiveMap*>& maps, const Options& options,
                             std::unique_ptr<Census> census)
    : maps_(maps), options_(options), census_(std::move(census)) {}
LiveCollector::~LiveCollector() = default;

Status LiveCollector::Create(const std::vector<LiveMap*>& maps, const Options& options,
                             std::unique_ptr<LiveCollector>* made) {
  std::vector<MarkField> fields;
  for (const LiveMap* map : maps) fields.push_back(map->field());
  std::unique_ptr<Census> census;
  const Status status = Census::Load(fields, options.only_namespaces, options.mutation, &census);
  if (status == Status::kOk) made->reset(new LiveCollector(maps, options, std::move(census)));
  return status;
}

Status LiveCollector::Collect(Report* report) {
  std::vector<std::unique_ptr<MapLock>> locks;
  for (const LiveMap* map : maps_) {
    const Status status = MapLock::Take(map->maps_->fd(Part::kState), MapLock::Of::kCollecting,
                                        false, &locks.emplace_back());
    if (status != Status::kOk) return status;
  }
  const Status status = CollectLocked(report);
  return status == Status::kOk ? BringHome(report) : status;
}

// The indexes that the last census did not meet, nobody holds and nobody has set since the hints
// were cleared: also those that cannot be found and are not free, which someone has lost.
std::vector<LiveCollector::Candidate> LiveCollector::FindUnused() const {
  std::vector<Candidate> unused;
  for (size_t i = 0; i < maps_.size(); ++i) {
    LiveMap::Maps& map = *maps_[i]->maps_;
    const uint32_t touched = maps_[i]->CountValues().indexes_touched;
    for (uint32_t index = 1; index <= touched; ++index) {
      if (UsersOf(i, index) != 0 || map.held(index).load() != 0 ||
          map.hint(index).load() != INLAY_HINT_NONE) {
        continue;
      }
      uint32_t found = 0;
      const bool has_key =
          bpf_map_lookup_elem(map.fd(Part::kCodes), map.value(index), &found) == 0 &&
          found == index;
      unused.push_back({i, index, has_key});
    }
  }
  return unused;
}

uint32_t LiveCollector::UsersOf(size_t map, uint32_t code) const {
  return census_->UsersOf(map, code);
}

void LiveCollector::Restore(const Candidate& candidate) const {
  if (!candidate.has_key) return;
  // If the value has got another index meanwhile, this one is free when its sockets are gone.
  LiveMap::Maps& map = *maps_[candidate.map]->maps_;
  bpf_map_update_elem(map.fd(Part::kCodes), map.value(candidate.index), &candidate.index,
                      BPF_NOEXIST);
}

void LiveCollector::KeepUsed(std::vector<Candidate>* candidates, bool by_census, Report* report) {
  const auto is_used = [&](const Candidate& candidate) {
    LiveMap::Maps& map = *maps_[candidate.map]->maps_;
    // A program that had taken the index, and stood still before it made it known, goes on.
    uint32_t found = 0;
    const bool is_known_now =
        !candidate.has_key &&
        bpf_map_lookup_elem(map.fd(Part::kCodes), map.value(candidate.index), &found) == 0 &&
        found == candidate.index;
    const bool used = is_known_now || (by_census && UsersOf(candidate.map, candidate.index) != 0) ||
                      census_->WasSeen(candidate.map, candidate.index) ||
                      map.held(candidate.index).load() != 0 ||
                      map.hint(candidate.index).load() != INLAY_HINT_NONE;
    if (!used) return false;
    ++report->maps[candidate.map].kept;
    Restore(candidate);
    return true;
  };
  candidates->erase(std::remove_if(candidates->begin(), candidates->end(), is_used),
                    candidates->end());
}

// Programs that started before have ended afterwards: they run in RCU reader sections, for which
// membarrier() waits (Linux 6.18, kernel/sched/membarrier.c: synchronize_rcu()). On one processor
// it returns at once, where nothing but a preempted program could be in such a section.
Status LiveCollector::GracePeriod() const {
  if (options_.mutation != nullptr && options_.mutation->no_grace_periods) return Status::kOk;
  return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0 ? Status::kOk
                                                                   : Status::kUnsupported;
}

Status LiveCollector::CollectLocked(Report* report) {
  *report = {};
  for (const LiveMap* map : maps_) report->maps.push_back({.name = map->name()});
  for (const LiveMap* map : maps_) {
    for (uint32_t index = 1; index <= map->most_values(); ++index) {
      uint8_t set = INLAY_HINT_SET;
      map->maps_->hint(index).compare_exchange_strong(set, INLAY_HINT_NONE);
    }
  }
  for (LiveMap* const map : maps_) {
    if (const Status repaired = map->RepairKeys(); repaired != Status::kOk) return repaired;
  }
  Census::Result census;
  // Until it is complete, or there are no attempts left.
  const auto take = [&](Status (Census::*one)(Census::Result*)) {
    uint32_t attempts_left = options_.most_attempts;
    for (;;) {
      const Status status = (census_.get()->*one)(&census);
      if (status != Status::kOk || census.complete || attempts_left == 0) return status;
      --attempts_left;
    }
  };
  // Counts propose. This one need not be complete to find candidates, but to report users.
  census_->StartPass();
  const Watching watching(*census_);
  Status status = take(&Census::Take);
  if (status != Status::kOk) return status;
  for (size_t i = 0; i < maps_.size(); ++i) {
    const uint32_t touched = maps_[i]->CountValues().indexes_touched;
    std::vector<uint32_t> used;
    for (uint32_t index = 1; index <= touched; ++index) {
      if (UsersOf(i, index) != 0) used.push_back(index);
    }
    if (status = maps_[i]->RestoreKeys(used); status != Status::kOk) return status;
  }
  std::vector<Candidate> unused = FindUnused();
  // While sockets come and go, equal numbers are no proof, and different ones no refutation.
  if (unused.empty() && (!census.complete || census_->HasSeenSockets())) {
    status = take(&Census::TakeAfterCount);
    if (status != Status::kOk) return status;
  }
  report->complete = census.complete;
  report->reason = census.reason;
  report->sockets = census.sockets;
  for (size_t i = 0; i < maps_.size(); ++i) {
    MapReport& map = report->maps[i];
    for (uint32_t index = 1; index <= maps_[i]->most_values(); ++index) {
      map.users.push_back(UsersOf(i, index));
    }
    map.spilled = UsersOf(i, maps_[i]->field().most_code());
  }
  if (unused.empty()) return Status::kOk;
  for (const Candidate& candidate : unused) {
    const LiveMap::Maps& map = *maps_[candidate.map]->maps_;
    if (candidate.has_key) bpf_map_delete_elem(map.fd(Part::kCodes), map.value(candidate.index));
  }
  const auto give_up = [&](Status why) {
    for (const Candidate& candidate : unused) Restore(candidate);
    return why;
  };
  status = GracePeriod();
  if (status != Status::kOk) return give_up(status);
  KeepUsed(&unused, false, report);
  const int censuses = options_.mutation != nullptr && options_.mutation->one_census ? 1 : 2;
  for (int i = 0; i < censuses && !unused.empty(); ++i) {
    status = take(&Census::TakeAfterCount);
    if (status != Status::kOk) return give_up(status);
    if (!census.complete) {
      report->complete = false;
      report->reason = census.reason;
      return give_up(Status::kOk);
    }
    report->complete = true;
    report->reason.clear();
    KeepUsed(&unused, true, report);
  }
  if (options_.mutation == nullptr || !options_.mutation->no_second_grace_period) {
    status = GracePeriod();
  }
  if (status != Status::kOk) return give_up(status);
  KeepUsed(&unused, false, report);
  for (const Candidate& candidate : unused) {
    maps_[candidate.map]->maps_->Free(candidate.index);
    ++report->maps[candidate.map].freed;
  }
  return Status::kOk;
}

}  // namespace inlay
