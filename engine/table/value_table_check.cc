// What a ValueTable tells of itself: statistics, and checks that recount what its counters, lists
// and charges claim.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "engine/memory/address_range.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/table/hash.h"
#include "engine/table/ref_word.h"
#include "engine/table/reference_credits.h"
#include "engine/table/slot_array.h"
#include "engine/table/value_table_state.h"
#include "inlay/rcu.h"
#include "inlay/value_table.h"

namespace inlay {

void ValueTable::ForEach(
    FunctionRef<void(ValueIndex index, std::span<const std::byte> value, uint32_t count)> visit)
    const {
  ReadSection section;
  const uint32_t used = state_->high_water.load(std::memory_order_acquire);
  for (ValueIndex index = 1; index <= used; ++index) {
    const RefWord word = state_->ref_word(index);
    if (!word.live()) continue;
    // Credits are nobody's references. Both may change while they are counted.
    const uint32_t count = word.count();
    INLAY_TEST_POINT("for_each.counted");
    const uint32_t credits = std::min(count, ReferenceCredits::Kept(state_.get(), index));
    visit(index, {At(index), value_bytes_}, count - credits);
  }
}

uint64_t ValueTable::FinalReferences() noexcept {
  ReferenceCredits::GiveBackAllOf(state_.get());
  return total_references();
}

uint64_t ValueTable::total_references() const {
  uint64_t total = 0;
  ForEach([&](ValueIndex, std::span<const std::byte>, uint32_t count) { total += count; });
  return total;
}

ValueTableCounts ValueTable::counts() const noexcept {
  const State& state = *state_;
  ValueTableCounts counts;
  const int64_t found = state.live;
  const int64_t unreferenced = state.unreferenced.load(std::memory_order_relaxed);
  counts.unreferenced = static_cast<uint32_t>(std::clamp<int64_t>(unreferenced, 0, found));
  counts.live = static_cast<uint32_t>(found) - counts.unreferenced;
  counts.retired = state.retired.size + state.waiting.size;
  counts.never_used = max_values_ - state.high_water.load(std::memory_order_acquire);
  counts.free = state.free.size;
  counts.reclaimed = state.reclaimed;
  counts.replaced = state.replaced;
  counts.duplicates = state.duplicates;
  counts.refused_releases = state.refused_releases.load(std::memory_order_relaxed);
  return counts;
}

size_t ValueTable::waiting_bytes() const noexcept {
  return is_replaceable() ? state_->copies.waiting_bytes() : 0;
}

ValueTableStats ValueTable::stats() const {
  const State& state = *state_;
  const ReadSection section;  // keeps the array, and the hashes of what it holds (V2)
  const SlotArray& array = *state.slots.load(std::memory_order_acquire);
  ValueTableStats stats;
  static_cast<ValueTableCounts&>(stats) = counts();
  stats.slots = array.slots();
  stats.tombstones = array.tombstones();
  std::atomic_thread_fence(std::memory_order_acquire);
  const bool replaced = state.slots.load(std::memory_order_relaxed) != &array;
  if (replaced) stats.tombstones = 0;  // or what was read may be no count any more
  uint64_t values = 0;
  uint64_t probes = 0;
  for (uint32_t at = 0; at < array.slots(); ++at) {
    const ValueIndex index = array.IndexAt(at);
    if (index == kNoIndex) continue;
    const uint32_t hash = state.entry(index).hash;
    if (!array.HasTag(at, hash)) continue;  // it is about to leave this slot, for another hash
    const uint32_t probes_to = array.ProbesTo(at, hash);
    ++values;
    probes += probes_to;
    stats.max_probe = std::max(stats.max_probe, probes_to);
  }
  if (values > 0) stats.mean_probe = static_cast<double>(probes) / static_cast<double>(values);
  stats.memory = memory_usage();
  return stats;
}

MemoryUsage ValueTable::memory_usage() const {
  const State& state = *state_;
  const ReadSection section;  // keeps the array
  const uint32_t slots = state.slots.load(std::memory_order_acquire)->slots();
  const uint32_t used = state.high_water.load(std::memory_order_acquire);
  MemoryUsage memory;
  // The touched memory: all places up to the high-water mark, in whole pages.
  const size_t value_bytes = used == 0 ? 0 : (size_t{used} + 1) * stride_bytes_;
  const size_t entry_bytes = used == 0 ? 0 : (size_t{used} + 1) * sizeof(State::Entry);
  memory.table_bytes = used * state.BytesPerValue();
  memory.index_bytes = SlotArray::Bytes(slots);
  memory.slack_bytes = PageRoundUp(value_bytes) + PageRoundUp(entry_bytes) - memory.table_bytes +
                       state.may_be_unreferenced.bytes();
  memory.table_bytes += state.copies_in_use * state.copies.bytes_each();
  return memory;
}

bool ValueTable::CheckInvariants(std::string* reason) const {
  const State& state = *state_;
  MutexLock lock(&state.mutex);
  const SlotArray& array = *state.slots.load(std::memory_order_relaxed);
  const uint32_t used = state.high_water.load(std::memory_order_relaxed);
  const auto broken = [&](const std::string& rule, ValueIndex index) {
    *reason = rule + " (index " + std::to_string(index) + ")";
    return false;
  };
  if (const uint64_t refused = state.refused_releases.load(std::memory_order_relaxed)) {
    *reason = "V3: " + std::to_string(refused) + " references were released that nobody held";
    return false;
  }
  uint32_t live = 0;
  uint32_t duplicates = 0;
  uint32_t listed_duplicates = 0;
  uint32_t copies = 0;  // of values that are not free
  int64_t unreferenced = 0;
  for (ValueIndex index = 1; index <= used; ++index) {
    const RefWord word = state.ref_word(index);
    if (!word.live()) continue;
    ++live;
    if (word.unreferenced()) {
      ++unreferenced;
      if (!state.may_be_unreferenced.Has(index)) {
        return broken("the clock hand will not find an unreferenced value", index);
      }
    }
    const std::span<const std::byte> bytes(At(index), value_bytes_);
    const uint32_t hash = HashValue(bytes, state.seed);
    if (hash != state.entry(index).hash)
      return broken("the bytes of a live value have changed", index);
    const SlotArray::Found found = state.FindIn(array, hash, bytes);
    if (found.index == kNoIndex) return broken("a live value is not in the hash index", index);
    const bool is_duplicate = state.IsDuplicate(index);
    if (is_duplicate == (found.index == index)) {
      return broken("V1: two live entries with the same bytes", index);
    }
    if (!is_duplicate && found.slot != state.slot_of(index)) {
      return broken("a live value has another slot", index);
    }
    if (is_duplicate) ++duplicates;
    if (!state.is_replaceable()) continue;
    if (state.HasCopy(index)) ++copies;
    if (const ValueIndex next = state.replacement(index).next_duplicate; next != kNoIndex) {
      ++listed_duplicates;
      if (!state.ref_word(next).live() || !state.IsDuplicate(next) ||
          state.before_duplicate(next) != index || !state.IsEqual(next, bytes)) {
        return broken("a list of duplicates is broken", index);
      }
    }
  }
  if (live != state.live) return broken("the count of live values is wrong", live);
  if (unreferenced != state.unreferenced.load(std::memory_order_relaxed)) {
    return broken("the count of unreferenced values is wrong", kNoIndex);
  }
  if (duplicates != state.duplicates || duplicates != listed_duplicates) {
    return broken("the count of duplicates is wrong", duplicates);
  }
  uint32_t in_slots = 0;
  for (uint32_t at = 0; at < array.slots(); ++at) {
    const ValueIndex index = array.IndexAt(at);
    if (index == kNoIndex) continue;
    ++in_slots;
    if (index > used || !state.ref_word(index).live()) {
      return broken("the hash index holds an entry that is not live", index);
    }
  }
  if (in_slots != live - duplicates || array.occupied() != in_slots + array.tombstones()) {
    return broken("the hash index's count of slots is wrong", in_slots);
  }
  uint32_t listed = 0;
  for (const auto& [list, expected] :
       {std::pair{&state.free, RefWord::Free()}, std::pair{&state.retired, RefWord::Retired()},
        std::pair{&state.waiting, RefWord::Retired()}}) {
    uint32_t length = 0;
    for (ValueIndex index = list->head; index != kNoIndex; index = state.entry(index).next) {
      if (++length > used) return broken("a list of indexes has a cycle", index);
      if (state.ref_word(index) != expected) {
        return broken("a list holds an index in another state", index);
      }
      if (state.is_replaceable() && expected.retired() && state.HasCopy(index)) ++copies;
    }
    if (length != list->size) return broken("a list of indexes has the wrong length", length);
    listed += length;
  }
  if (listed + live != used) return broken("V4: indexes are lost", used - live - listed);
  if (copies != state.copies_in_use) return broken("V4: a copy is lost", copies);
  if (state.charged_bytes != used * state.BytesPerValue() + SlotArray::Bytes(array.slots()) +
                                 copies * state.copies.bytes_each()) {
    return broken("V4: a charge is lost", kNoIndex);
  }
  return true;
}

bool ValueTable::CheckReferences(std::span<const uint64_t> counted, std::string* reason) const {
  const uint64_t refs = open_refs();
  reason->clear();
  uint64_t in_owners = 0;
  uint64_t elsewhere = 0;
  ForEach([&](ValueIndex index, std::span<const std::byte>, uint32_t count) {
    in_owners += counted[index];
    if (counted[index] <= count) elsewhere += count - counted[index];
    if (counted[index] == count || (counted[index] < count && refs > 0) || !reason->empty()) return;
    *reason = "V3: index " + std::to_string(index) + " is in " + std::to_string(counted[index]) +
              " owners and has a count of " + std::to_string(count);
  });
  if (!reason->empty()) return false;
  for (ValueIndex index = 1; index <= max_values_; ++index) in_owners -= counted[index];
  if (in_owners != 0) {
    *reason = "V3: an owner holds the index of a value that is gone";
    return false;
  }
  if (elsewhere != refs) {
    *reason = "V3: " + std::to_string(elsewhere) + " references are in no owner, and " +
              std::to_string(refs) + " ValueRefs are open";
    return false;
  }
  return true;
}

}  // namespace inlay
