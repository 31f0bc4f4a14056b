#include "inlay/value_table.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

#include "engine/memory/address_range.h"
#include "engine/memory/allocate.h"
#include "engine/sync/inline_read_section.h"
#include "engine/sync/mutex.h"
#include "engine/table/hash.h"
#include "engine/table/ref_word.h"
#include "engine/table/slot_array.h"
#include "engine/table/value_table_state.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

static_assert(sizeof(SlotArray) == kHashIndexHeaderBytes);

// The table rebuilds its hash index when more than 2/3 of the slots are taken, tombstones included.
constexpr bool TooFull(uint32_t occupied, uint32_t slots) { return HashSlots(occupied) > slots; }

// Reclamation; docs/design.md, section 6, explains the constants and has a worked example.
constexpr uint32_t kKeptUnreferenced = 64;  // so many unreferenced values are never too many
constexpr uint32_t kDemands = 3;            // demands to have reusable or on their way
constexpr uint32_t kDemandFade = 16;        // each batch forgets 1/16 of its own demand
constexpr uint32_t kDemandBatches = 256;    // and at least 1/256 of the remembered demand
constexpr uint32_t kSweepYield = 2;         // values that a sweep retires at most
constexpr uint32_t kSweepStep = 128;        // entries that a sweep passes at most
constexpr uint32_t kReserveShare = 64;      // 1/64 of the used indexes is wanted at least
constexpr uint32_t kMostWantedShare = 4;    // 1/4 of the used indexes is wanted at most

}  // namespace

// --- set-up and teardown

Status ValueTable::Create(const ValueTableOptions& options, std::unique_ptr<ValueTable>* table) {
  if (options.value_bytes == 0 || options.value_bytes > kMaxValueTableBytes ||
      options.max_values == 0 || options.max_values > kMaxValues ||
      !std::has_single_bit(options.alignment) || options.alignment > 4096) {
    return Status::kInvalid;
  }
  if (const Status status = StartReclaiming(); status != Status::kOk) return status;
  std::unique_ptr<State> state = TryNew<State>();
  if (state == nullptr) return Status::kNoMemory;
  const size_t alignment = options.alignment;
  state->stride_bytes = (options.value_bytes + alignment - 1) / alignment * alignment;
  state->max_values = options.max_values;
  state->account = options.account;
  state->seed = options.seed.has_value() ? *options.seed : RandomSeed();
  // Indexes start at 1, since code 0 means absent. Place 0 is never used.
  const size_t places = size_t{options.max_values} + 1;
  if (!state->value_range.Reserve(places * state->stride_bytes) ||
      !state->entry_range.Reserve(places * sizeof(State::Entry))) {
    return Status::kNoMemory;
  }
  {
    MutexLock lock(&state->mutex);
    if (!state->MakeRoomInSlots()) return Status::kNoMemory;
  }
  if (!AllocationAllowed()) return Status::kNoMemory;
  ValueTable* const made = new (std::nothrow) ValueTable(options, std::move(state));
  if (made == nullptr) return Status::kNoMemory;
  table->reset(made);
  return Status::kOk;
}

ValueTable::ValueTable(const ValueTableOptions& options, std::unique_ptr<State> state)
    : values_(state->value_range.base()),
      stride_bytes_(state->stride_bytes),
      value_bytes_(options.value_bytes),
      max_values_(options.max_values),
      state_(std::move(state)) {}

ValueTable::~ValueTable() = default;

ValueTable::State::~State() {
  MutexLock lock(&mutex);
  if (account != nullptr) account->Uncharge(charged_bytes);
  SlotArray::Free(slots.load(std::memory_order_relaxed));
}

// --- references

bool ValueTable::TryRef(ValueIndex index) noexcept { return state_->TryRef(index); }

void ValueTable::Release(ValueIndex index) noexcept {
  std::atomic<uint32_t>& word = state_->entry(index).ref_word;
  const RefWord before(word.fetch_sub(RefWord::kOneReference, std::memory_order_acq_rel));
  if (before.count() > 1) [[likely]]
    return;
  if (before.count() == 1) {
    state_->unreferenced.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  // Nobody holds a reference. Meanwhile the word looks like a value that cannot be referenced.
  word.fetch_add(RefWord::kOneReference, std::memory_order_acq_rel);
  state_->refused_releases.fetch_add(1, std::memory_order_relaxed);
}

// --- finding and adding

Status ValueTable::Intern(std::span<const std::byte> value, ValueIndex* index) noexcept {
  if (value.size() != value_bytes_) return Status::kInvalid;
  const uint32_t hash = HashValue(value, state_->seed);
  {
    const InlineReadSection section;
    const SlotArray& array = *state_->slots.load(std::memory_order_acquire);
    const ValueIndex found = state_->FindIn(array, hash, value).index;
    // The index is not reused in this section (V2). So either TryRef() takes a reference to the
    // bytes just compared, or the value has been retired and Add() adds it again.
    if (found != kNoIndex && state_->TryRef(found)) [[likely]] {
      *index = found;
      return Status::kOk;
    }
  }
  MutexLock lock(&state_->mutex);
  return state_->Add(value, hash, index);
}

ValueIndex ValueTable::Find(std::span<const std::byte> value) const noexcept {
  assert(InReadSection());
  if (value.size() != value_bytes_) return kNoIndex;
  const SlotArray& array = *state_->slots.load(std::memory_order_acquire);
  return state_->FindIn(array, HashValue(value, state_->seed), value).index;
}

Status ValueTable::State::Add(std::span<const std::byte> bytes, uint32_t hash, ValueIndex* index) {
  // Under the mutex no other thread adds or retires, so this search is conclusive (V1).
  const SlotArray& array = *slots.load(std::memory_order_relaxed);
  if (const ValueIndex found = FindIn(array, hash, bytes).index; found != kNoIndex) {
    if (!TryRef(found)) return Status::kNoMemory;  // the count is at its limit
    *index = found;
    return Status::kOk;
  }
  const ValueIndex fresh = TakeIndex();
  if (fresh == kNoIndex) return Status::kNoMemory;
  if (!MakeRoomInSlots()) {
    Append(&free, fresh);
    return Status::kNoMemory;
  }
  std::memcpy(value(fresh), bytes.data(), bytes.size());
  entry(fresh).hash = hash;
  assert(ref_word(fresh).free());
  entry(fresh).ref_word.store(RefWord::LiveOnce().bits(), std::memory_order_release);
  slots.load(std::memory_order_relaxed)->Insert(hash, fresh);
  ++live;
  *index = fresh;
  return Status::kOk;
}

ValueIndex ValueTable::State::TakeIndex() {
  CollectRetired();
  if (retired.size + waiting.size == 0) {
    demand_before = std::max(demand_before, demand_now);
    demand_now = 0;
  }
  demand_now = std::min(demand_now + 1, max_values);
  RetireForDemand();
  if (free.size > 0) return PopFront(&free);
  const ValueIndex fresh = TakeNeverUsed();
  if (fresh == kNoIndex && !starved) {
    starved = true;
    RetireForDemand();  // again, since `starved` changes what it retires
  }
  starved = fresh == kNoIndex;
  return fresh;
}

void ValueTable::State::RetireForDemand() {
  const int64_t idle = std::max<int64_t>(unreferenced.load(std::memory_order_relaxed), 0);
  if (idle == 0) return;
  const uint32_t used = high_water.load(std::memory_order_relaxed);
  const int64_t referenced = std::max<int64_t>(int64_t{live} - idle, 0);
  const bool many_are_dead = idle > std::max<int64_t>(kKeptUnreferenced, referenced / 2);
  // Without memory, or at the account's limit, never-used indexes are out of reach.
  const uint32_t left = free.size + (starved ? 0 : max_values - used);
  const uint32_t coming = retired.size + waiting.size;
  const uint32_t demand = std::max(demand_now, demand_before);
  const uint32_t least = many_are_dead ? 0 : used / kReserveShare;
  const uint32_t wanted = std::max(std::min(kDemands * demand, used / kMostWantedShare), least);
  const uint32_t have = (many_are_dead ? free.size : left) + coming;
  if (have > wanted) return;
  if (left > 0) {
    Sweep(kSweepStep, kSweepYield, true);
  } else {
    Sweep(2 * used, wanted + 1 - have, true);
  }
  CollectRetired();
}

ValueIndex ValueTable::State::TakeNeverUsed() {
  const uint32_t used = high_water.load(std::memory_order_relaxed);
  if (used == max_values) return kNoIndex;
  const ValueIndex fresh = used + 1;
  if (!value_range.Commit((size_t{fresh} + 1) * stride_bytes) ||
      !entry_range.Commit((size_t{fresh} + 1) * sizeof(Entry)) || !Charge(BytesPerValue())) {
    return kNoIndex;
  }
  new (&entry(fresh)) Entry;
  high_water.store(fresh, std::memory_order_release);
  return fresh;
}

bool ValueTable::State::MakeRoomInSlots() {
  SlotArray* const old = slots.load(std::memory_order_relaxed);
  if (old != nullptr && !TooFull(old->occupied() + 1, old->slots())) return true;
  // A rebuild drops tombstones, so the array grows only if the values need it: to at most half
  // full, so that the next rebuild is far off.
  uint32_t wanted = static_cast<uint32_t>(HashSlots(live + 1));
  if (2 * (live + 1) > wanted) wanted *= 2;
  // Charge only the difference: the old array exists only until its readers have left.
  const size_t old_bytes = old == nullptr ? 0 : SlotArray::Bytes(old->slots());
  const size_t wanted_bytes = SlotArray::Bytes(wanted);
  const size_t more_bytes = wanted_bytes > old_bytes ? wanted_bytes - old_bytes : 0;
  SlotArray* grown = nullptr;
  if (more_bytes == 0 || Charge(more_bytes)) {
    grown = SlotArray::TryCreate(wanted);
    if (grown == nullptr && more_bytes > 0) Uncharge(more_bytes);
  }
  if (grown == nullptr) {
    if (old == nullptr) return false;
    // A fuller array is still correct, but needs one empty slot, or a search would not end.
    return old->occupied() + 1 < old->slots();
  }
  if (old != nullptr) {
    for (uint32_t at = 0; at < old->slots(); ++at) {
      if (const ValueIndex index = old->IndexAt(at)) grown->Insert(entry(index).hash, index);
    }
  }
  slots.store(grown, std::memory_order_release);
  if (old != nullptr) {
    if (old_bytes > wanted_bytes) Uncharge(old_bytes - wanted_bytes);
    SlotArray::FreeLater(old);
  }
  return true;
}

bool ValueTable::State::Charge(size_t bytes) {
  if (account != nullptr && !account->Charge(bytes)) return false;
  charged_bytes += bytes;
  return true;
}

void ValueTable::State::Uncharge(size_t bytes) {
  if (account != nullptr) account->Uncharge(bytes);
  charged_bytes -= bytes;
}

// --- reclamation

uint32_t ValueTable::State::Sweep(uint32_t steps, uint32_t enough, bool second_chance) {
  const uint32_t used = high_water.load(std::memory_order_relaxed);
  uint32_t retired_now = 0;
  for (; steps > 0 && retired_now < enough; --steps) {
    clock_hand = clock_hand >= used ? 1 : clock_hand + 1;
    if (TryRetire(clock_hand, second_chance)) ++retired_now;
  }
  return retired_now;
}

bool ValueTable::State::TryRetire(ValueIndex index, bool second_chance) {
  std::atomic<uint32_t>& word = entry(index).ref_word;
  uint32_t seen = word.load(std::memory_order_acquire);
  if (!RefWord(seen).unreferenced()) return false;
  const RefWord next = second_chance ? RefWord(seen).Passed() : RefWord::Retired();
  // The swap fails if another thread has just taken a reference: keep the value.
  if (!word.compare_exchange_strong(seen, next.bits(), std::memory_order_acq_rel)) return false;
  if (!next.retired()) return false;
  unreferenced.fetch_sub(1, std::memory_order_relaxed);
  SlotArray* const array = slots.load(std::memory_order_relaxed);
  array->Erase(
      array->Find(entry(index).hash, [&](ValueIndex found) { return found == index; }).slot);
  --live;
  ++reclaimed;
  Append(&retired, index);
  return true;
}

// Two batches take turns: one waits for a grace period while the other gathers retired indexes.
void ValueTable::State::CollectRetired() {
  if (waiting.size > 0 && grace->Elapsed()) {
    for (ValueIndex index = waiting.head; index != kNoIndex; index = entry(index).next) {
      assert(ref_word(index).retired());
      entry(index).ref_word.store(RefWord::Free().bits(), std::memory_order_relaxed);
    }
    Splice(&waiting, &free);
  }
  if (waiting.size == 0 && retired.size > 0) {
    grace = GracePeriod::Start();
    Splice(&retired, &waiting);
    const uint32_t share = (demand_before + kDemandBatches - 1) / kDemandBatches;
    demand_before -= std::min(demand_before, std::max(demand_now / kDemandFade, share));
    demand_before = std::max(demand_before, demand_now);
    demand_now = 0;
  }
}

uint32_t ValueTable::Reclaim() noexcept {
  MutexLock lock(&state_->mutex);
  const uint32_t used = state_->high_water.load(std::memory_order_relaxed);
  const uint32_t retired_now = state_->Sweep(used, used, false);
  state_->CollectRetired();
  return retired_now;
}

void ValueTable::State::Append(IndexList* list, ValueIndex index) {
  entry(index).next = kNoIndex;
  if (list->tail == kNoIndex) {
    list->head = index;
  } else {
    entry(list->tail).next = index;
  }
  list->tail = index;
  ++list->size;
}

ValueIndex ValueTable::State::PopFront(IndexList* list) {
  const ValueIndex index = list->head;
  list->head = entry(index).next;
  if (list->head == kNoIndex) list->tail = kNoIndex;
  --list->size;
  return index;
}

void ValueTable::State::Splice(IndexList* from, IndexList* to) {
  if (from->size == 0) return;
  if (to->tail == kNoIndex) {
    to->head = from->head;
  } else {
    entry(to->tail).next = from->head;
  }
  to->tail = from->tail;
  to->size += from->size;
  *from = IndexList();
}

// --- inspection

uint32_t ValueTable::ReclaimAndWait() noexcept {
  const uint32_t retired = Reclaim();
  // Two rounds: a batch that gathers begins its grace period only when the other batch's is over.
  // Reclaim() collects the batches.
  for (int round = 0; round < 2; ++round) {
    Synchronize();
    Reclaim();
  }
  return retired;
}

void ValueTable::ForEach(
    FunctionRef<void(ValueIndex index, std::span<const std::byte> value, uint32_t count)> visit)
    const {
  ReadSection section;
  const uint32_t used = state_->high_water.load(std::memory_order_acquire);
  for (ValueIndex index = 1; index <= used; ++index) {
    const RefWord word = state_->ref_word(index);
    if (word.live()) visit(index, {At(index), value_bytes_}, word.count());
  }
}

uint64_t ValueTable::total_references() const {
  uint64_t total = 0;
  ForEach([&](ValueIndex, std::span<const std::byte>, uint32_t count) { total += count; });
  return total;
}

ValueTableStats ValueTable::stats() const {
  const State& state = *state_;
  MutexLock lock(&state.mutex);
  const SlotArray& array = *state.slots.load(std::memory_order_relaxed);
  const uint32_t used = state.high_water.load(std::memory_order_relaxed);
  ValueTableStats stats;
  stats.retired = state.retired.size + state.waiting.size;
  stats.never_used = max_values_ - used;
  stats.free = state.free.size;
  stats.reclaimed = state.reclaimed;
  stats.refused_releases = state.refused_releases.load(std::memory_order_relaxed);
  stats.slots = array.slots();
  stats.tombstones = array.tombstones();
  uint64_t probes = 0;
  for (ValueIndex index = 1; index <= used; ++index) {
    const RefWord word = state.ref_word(index);
    if (!word.live()) continue;
    ++(word.count() > 0 ? stats.live : stats.unreferenced);
    const SlotArray::Found found =
        array.Find(state.entry(index).hash, [&](ValueIndex other) { return other == index; });
    probes += found.probes;
    stats.max_probe = std::max(stats.max_probe, found.probes);
  }
  if (state.live > 0) stats.mean_probe = static_cast<double>(probes) / state.live;

  // The touched memory: all places up to the high-water mark, in whole pages.
  const size_t value_bytes = used == 0 ? 0 : (size_t{used} + 1) * stride_bytes_;
  const size_t entry_bytes = used == 0 ? 0 : (size_t{used} + 1) * sizeof(State::Entry);
  stats.memory.table_bytes = used * state.BytesPerValue();
  stats.memory.index_bytes = SlotArray::Bytes(array.slots());
  stats.memory.slack_bytes =
      PageRoundUp(value_bytes) + PageRoundUp(entry_bytes) - stats.memory.table_bytes;
  return stats;
}

}  // namespace inlay
