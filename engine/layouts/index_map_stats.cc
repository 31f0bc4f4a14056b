// What an IndexMap tells of itself, and what it checks.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/layouts/describe_table.h"
#include "engine/layouts/private_values.h"
#include "inlay/index_map.h"
#include "inlay/store_report.h"

namespace inlay {

OverflowCounters IndexMap::Ladder(uint64_t reclaimed) const {
  OverflowCounters ladder;
  ladder.reclaimed = reclaimed;
  ladder.no_indexes = no_indexes_.load(std::memory_order_relaxed);
  ladder.account_limit = account_limit_.load(std::memory_order_relaxed);
  ladder.spilled = spilled_.load(std::memory_order_relaxed);
  // The sum last: it is counted first, and so is never less than its parts.
  ladder.spill_limit = spill_limit_.load(std::memory_order_acquire);
  ladder.pending_limit = pending_limit_.load(std::memory_order_acquire);
  ladder.failed_account_limit = failed_account_limit_.load(std::memory_order_acquire);
  ladder.failed_no_indexes = failed_no_indexes_.load(std::memory_order_acquire);
  ladder.no_memory = no_memory_.load(std::memory_order_relaxed);
  ladder.spilled_now = spilled_now_.load(std::memory_order_relaxed);
  ladder.brought_home = brought_home_.load(std::memory_order_relaxed);
  return ladder;
}

IndexMapStats IndexMap::stats() const {
  IndexMapStats stats;
  if (!is_interned()) return stats;
  stats.table = table_->stats();
  static_cast<OverflowCounters&>(stats) = Ladder(stats.table.reclaimed);
  stats.pending_bytes = private_values_->waiting_bytes() + table_->waiting_bytes();
  stats.missing_private = missing_private_.load(std::memory_order_relaxed);
  return stats;
}

MemoryUsage IndexMap::memory_usage() const {
  if (!is_interned()) return pointer_->memory_usage();
  MemoryUsage usage = table_->memory_usage();
  usage += private_values_->memory_usage();
  usage.inline_bytes += store_.InlineBytes(field_);
  return usage;
}

void IndexMap::Describe(MapReport* report) const {
  report->name = options_.name;
  report->value_bytes = options_.value_bytes;
  report->memory = memory_usage();
  if (!is_interned()) return;
  DescribeTable(*table_, field_, report);
  report->pending_bytes = private_values_->waiting_bytes() + table_->waiting_bytes();
  report->ladder = Ladder(report->ladder.reclaimed);
}

uint64_t IndexMap::codes() const noexcept {
  // Not private_values_->count(): releasing an owner empties its storage pointer before the store
  // counts down its code.
  if (table_ == nullptr) return 0;  // Create() failed
  return table_->FinalReferences() + spilled_now_.load(std::memory_order_relaxed);
}

bool IndexMap::CheckCodes(const uint64_t* counted, std::string* reason) const {
  if (!table_->CheckReferences({counted, size_t{field_.max_index()} + 1}, reason)) return false;
  if (counted[field_.spilled_code()] != private_values_->count() ||
      counted[field_.spilled_code()] != spilled_now_.load(std::memory_order_relaxed)) {
    *reason = "V3: " + std::to_string(counted[field_.spilled_code()]) +
              " owners have spilled and " + std::to_string(private_values_->count()) +
              " private values are kept";
    return false;
  }
  return true;
}

bool IndexMap::CheckInvariants(std::string* reason) const {
  return !is_interned() || table_->CheckInvariants(reason);
}

}  // namespace inlay
