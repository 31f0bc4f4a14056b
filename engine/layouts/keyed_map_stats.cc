// What a keyed map tells of itself, and what it checks.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/layouts/describe_table.h"
#include "engine/layouts/keyed_map_state.h"
#include "engine/memory/address_range.h"
#include "inlay/keyed_map.h"
#include "inlay/store_report.h"

namespace inlay {

KeyedMapStats KeyedIndexMap::stats() const {
  KeyedMapStats stats;
  stats.keys = keys_->stats();
  stats.values = state_->values;
  stats.replaced = state_->replaced;
  stats.erased = state_->erased;
  stats.no_indexes = state_->no_indexes.load(std::memory_order_relaxed);
  stats.account_limit = state_->account_limit.load(std::memory_order_relaxed);
  stats.pending_limit = state_->pending_limit.load(std::memory_order_relaxed);
  stats.no_memory = state_->no_memory.load(std::memory_order_relaxed);
  return stats;
}

// Of a keyed map, the indexes are those of its keys.
void KeyedIndexMap::Describe(MapReport* report) const {
  report->name = options_.name;
  report->value_bytes = options_.value_bytes;
  report->memory = memory_usage();
  DescribeTable(*keys_, field_, report);
  report->pending_bytes = state_->copies.waiting_bytes();
  report->ladder.no_indexes = state_->no_indexes.load(std::memory_order_acquire);
  report->ladder.account_limit = state_->account_limit.load(std::memory_order_acquire);
  report->ladder.failed_no_indexes = report->ladder.no_indexes;
  report->ladder.failed_account_limit = report->ladder.account_limit;
  report->ladder.pending_limit = state_->pending_limit.load(std::memory_order_acquire);
  // Last: it is counted first, and so is never less than its parts.
  report->ladder.no_memory = state_->no_memory.load(std::memory_order_relaxed);
}

MemoryUsage KeyedIndexMap::memory_usage() const {
  MemoryUsage usage = keys_->memory_usage();
  const uint32_t places = state_->charged_places;
  usage.table_bytes += state_->values * state_->copies.bytes_each() + State::PlaceBytes(places);
  if (places > 0) {
    usage.slack_bytes += PageRoundUp(State::PlaceBytes(places + 1)) - State::PlaceBytes(places);
  }
  usage.inline_bytes += store_.InlineBytes(field_);
  return usage;
}

uint64_t KeyedIndexMap::codes() const noexcept {
  if (keys_ == nullptr) return 0;  // Create() failed
  return keys_->FinalReferences() - keys_->open_refs() - state_->values;
}

bool KeyedIndexMap::CheckCodes(const uint64_t* counted, std::string* reason) const {
  if (counted[field_.spilled_code()] != 0) {
    *reason = "an owner of a keyed map has the spilled code";
    return false;
  }
  // The map itself holds a reference to each key that has a value.
  std::vector<uint64_t> holders(counted, counted + field_.max_index() + 1);
  for (uint32_t index = 1; index < holders.size(); ++index) holders[index] += HasValue(index);
  return keys_->CheckReferences(holders, reason);
}

bool KeyedIndexMap::CheckInvariants(std::string* reason) const {
  if (!keys_->CheckInvariants(reason)) return false;
  std::vector<uint32_t> count(size_t{field_.mask()} + 1);
  keys_->ForEach([&](ValueIndex index, std::span<const std::byte>, uint32_t references) {
    count[index] = references;
  });
  uint32_t values = 0;
  for (uint32_t index = 0; index < count.size(); ++index) {
    if (!HasValue(index)) continue;
    ++values;
    if (count[index] > 0 && index <= state_->charged_places) continue;
    *reason = "K1: a value has no key, or is not charged (index " + std::to_string(index) + ")";
    return false;
  }
  if (values == state_->values) return true;
  *reason = "K1: " + std::to_string(values) + " keys have a value, and " +
            std::to_string(state_->values) + " are counted";
  return false;
}

}  // namespace inlay
