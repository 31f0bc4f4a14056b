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
#include "engine/memory/poison.h"
#include "engine/sync/background_task.h"
#include "engine/sync/liburcu.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/table/hash.h"
#include "engine/table/reclaim_policy.h"
#include "engine/table/ref_word.h"
#include "engine/table/reference_credits.h"
#include "engine/table/slot_array.h"
#include "engine/table/value_table_state.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

static_assert(sizeof(SlotArray) == kHashIndexHeaderBytes);

constexpr size_t RoundUp(size_t bytes, size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

// The table rebuilds its hash index when more than 2/3 of the slots are taken, tombstones included.
constexpr bool TooFull(uint32_t occupied, uint32_t slots) { return HashSlots(occupied) > slots; }

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
  size_t bytes = options.value_bytes;
  size_t alignment = options.alignment;
  if (options.replaceable) {
    alignment = std::max(alignment, alignof(State::Replacement));
    state->replacement_offset = RoundUp(bytes, alignof(State::Replacement));
    bytes = state->replacement_offset + sizeof(State::Replacement);
    if (!state->copies.Create(options.value_bytes, options.alignment, options.pending)) {
      return Status::kNoMemory;
    }
  }
  state->value_bytes = options.value_bytes;
  state->stride_bytes = RoundUp(bytes, alignment);
  state->max_values = options.max_values;
  state->account = options.account;
  state->pending = options.pending;
  state->account_use.emplace(options.account);
  state->pending_use.emplace(options.pending);
  state->seed = options.seed.has_value() ? *options.seed : RandomSeed();
  if (options.background) {
    state->idle_task.Own(TryNew<BackgroundTask>(&State::RunIdleTask, state.get()));
    if (!state->idle_task) return Status::kNoMemory;
  }
  // Indexes start at 1, since code 0 means absent. Place 0 is never used.
  const size_t places = size_t{options.max_values} + 1;
  if (!state->may_be_unreferenced.Create(options.max_values)) return Status::kNoMemory;
  if (!state->value_range.Reserve(places * state->stride_bytes) ||
      !state->entry_range.Reserve(places * sizeof(State::Entry))) {
    return Status::kNoMemory;
  }
  {
    MutexLock lock(&state->mutex);
    if (const Status status = state->MakeRoomInSlots(); status != Status::kOk) return status;
  }
  if (!AllocationAllowed()) return Status::kNoMemory;
  ValueTable* const made = new (std::nothrow) ValueTable(options, std::move(state));
  if (made == nullptr) return Status::kNoMemory;
  if (!ValueRef::CanReferTo(reinterpret_cast<uintptr_t>(made))) {
    delete made;
    return Status::kNoMemory;
  }
  table->reset(made);
  return Status::kOk;
}

ValueTable::ValueTable(const ValueTableOptions& options, std::unique_ptr<State> state)
    : values_(state->value_range.base()),
      entries_(state->entry_range.base()),
      open_ref_stripes_(state->open_refs.stripes()),
      stride_bytes_(state->stride_bytes),
      value_bytes_(options.value_bytes),
      max_values_(options.max_values),
      replacement_offset_(static_cast<uint32_t>(state->replacement_offset)),
      state_(std::move(state)) {}

ValueTable::~ValueTable() = default;

ValueTable::State::~State() {
  idle_task.End();  // first: waits for a step that is under way
  ReferenceCredits::Forget(this);
  MutexLock lock(&mutex);
  FreeCopies();
  if (account != nullptr) account->Uncharge(charged_bytes);
  SlotArray::Free(slots.load(std::memory_order_relaxed));
  UnpoisonBytes(value_range.base(), value_range.committed_bytes());
}

// --- references

bool ValueTable::TryRef(ValueIndex index) noexcept {
  const ReadSection section;
  return state_->TryRef(index);
}

bool ValueTable::State::TryRefAmongThreads(ValueIndex index, bool has_met) noexcept {
  std::atomic<uint32_t>& word = entry(index).ref_word;
  bool may_borrow = has_met;
  if (ReferenceCredits* const credits = ReferenceCredits::OfThisThread()) {
    may_borrow |= credits->Take(this, index) == ReferenceCredits::Taken::kNone;
  }
  for (;;) {
    if (may_borrow && ReferenceCredits::Borrow(this, index, &word)) return true;
    uint32_t seen = word.load(std::memory_order_relaxed);
    const std::optional<RefWord> more = RefWord(seen).Ref();
    if (!more.has_value()) return false;
    INLAY_TEST_POINT("try_ref.seen");
    if (word.compare_exchange_strong(seen, more->bits(), std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      if (RefWord(seen).count() == 0) unreferenced.fetch_sub(1, std::memory_order_relaxed);
      return true;
    }
    may_borrow = true;  // another thread takes or releases references at this moment
  }
}

bool ValueTable::TryRefMany(ValueIndex index, uint32_t references) noexcept {
  std::atomic<uint32_t>& word = state_->entry(index).ref_word;
  uint32_t seen = word.load(std::memory_order_relaxed);
  do {
    assert(RefWord(seen).count() > 0);
    if (RefWord::kMaxCount - RefWord(seen).count() < references) return false;
  } while (!word.compare_exchange_weak(seen, seen + references * RefWord::kOneReference,
                                       std::memory_order_acq_rel, std::memory_order_relaxed));
  return true;
}

void ValueTable::ReleaseMany(ValueIndex index, uint32_t references) noexcept {
  if (references > 0) state_->ReleaseShared(index, references);
}

void ValueTable::Release(ValueIndex index) noexcept {
  if (ReferenceCredits::OfThisThread() != nullptr) [[unlikely]]
    return state_->ReleaseAmongThreads(index);
  state_->ReleaseShared(index, 1);
}

void ValueTable::State::ReleaseAmongThreads(ValueIndex index) noexcept {
  uint32_t references = 0;
  {
    const ReadSection section;
    ReferenceCredits* const credits = ReferenceCredits::OfThisThread();
    references = credits->PutBack(this, index, entry(index).ref_word);
  }
  if (references > 0) ReleaseShared(index, references);
}

void ValueTable::State::ReleaseShared(ValueIndex index, uint32_t references) noexcept {
  const RefWord before(entry(index).ref_word.fetch_sub(references, std::memory_order_seq_cst));
  if (before.count() > references && !before.lent()) [[likely]]
    return;
  Released(index, references, before);
}

void ValueTable::State::Released(ValueIndex index, uint32_t references, RefWord before) noexcept {
  if (before.count() > references) {
    if (before.lent() && before.count() - references < ReferenceCredits::Floor()) {
      ReferenceCredits::RequestDrain();
    }
    return;
  }
  if (before.count() == references) {
    NoteDeath(index);
    return;
  }
  // Nobody holds one of the references. Meanwhile the word looks like a value that cannot be
  // referenced, so that the clock hand may have forgotten it.
  entry(index).ref_word.fetch_add(references, std::memory_order_seq_cst);
  may_be_unreferenced.Add(index);
  refused_releases.fetch_add(1, std::memory_order_relaxed);
  if (references > 1) ReleaseShared(index, references - 1);
}

void ValueTable::State::GiveBack(CreditLender* lender, ValueIndex index, uint32_t credits) {
  static_cast<State*>(lender)->ReleaseShared(index, credits);
}

void ValueTable::State::Settle(CreditLender* lender, uint32_t floor) {
  const State& state = *static_cast<State*>(lender);
  const uint32_t used = state.high_water.load(std::memory_order_acquire);
  for (ValueIndex index = 1; index <= used; ++index) {
    std::atomic<uint32_t>& word = state.entry(index).ref_word;
    uint32_t seen = word.load(std::memory_order_relaxed);
    while (RefWord(seen).lent() && RefWord(seen).count() < floor &&
           !word.compare_exchange_weak(seen, RefWord(seen).Settled().bits(),
                                       std::memory_order_acq_rel, std::memory_order_relaxed)) {
    }
  }
}

// --- ValueRefs

// What ShareRef() and CloseRef() leave to calls.

bool ValueTable::ShareRefSlowly(ValueIndex index) noexcept {
  {
    const ReadSection section;
    if (!state_->TryRef(index)) return false;
  }
  state_->open_refs.Add(1);
  return true;
}

// Another thread changes the count at this moment. So the reference that this one has taken had
// better be one of several that it borrows.
void ValueTable::BorrowRefs(ValueIndex index) noexcept {
  bool has_another = false;
  {
    const ReadSection section;
    has_another = state_->TryRefAmongThreads(index, true);
  }
  if (has_another) state_->ReleaseShared(index, 1);
}

void ValueTable::CloseRefSlowly(ValueIndex index) noexcept {
  state_->open_refs.Add(-1);
  Release(index);
}

void ValueTable::ClosedRef(ValueIndex index, uint32_t before) noexcept {
  state_->Released(index, 1, RefWord(before));
}

void ValueTable::CountRefsSlowly(int64_t more) noexcept { state_->open_refs.Add(more); }

#if defined(INLAY_WITH_TEST_POINTS)
void ValueTable::PassShareRefSeen() noexcept { INLAY_TEST_POINT("share_ref.seen"); }
#endif

uint64_t ValueTable::open_refs() const noexcept {
  return static_cast<uint64_t>(state_->open_refs.Sum());
}

// --- finding and adding

Status ValueTable::Intern(std::span<const std::byte> value, ValueIndex* index) noexcept {
  if (value.size() != value_bytes_) return Status::kInvalid;
  const uint32_t hash = HashValue(value, state_->seed);
  uint32_t inserted = 0;
  {
    const ReadSection section;
    const SlotArray& array = *state_->slots.load(std::memory_order_acquire);
    inserted = array.inserted();
    const ValueIndex found = state_->FindIn(array, hash, value).index;
    INLAY_TEST_POINT("intern.searched");
    // The index is not reused in this section (V2). So either TryRef() takes a reference to the
    // bytes just compared, or the value has been retired and Add() adds it again.
    if (found != kNoIndex) [[likely]] {
      if (state_->TryRef(found)) [[likely]] {
        *index = found;
        return Status::kOk;
      }
      --inserted;  // not the answer of a search that found nothing
    }
  }
  MutexLock lock(&state_->mutex);
  return state_->Add(value, hash, inserted, index);
}

ValueIndex ValueTable::Find(std::span<const std::byte> value) const noexcept {
  assert(InReadSection());
  if (value.size() != value_bytes_) return kNoIndex;
  const SlotArray& array = *state_->slots.load(std::memory_order_acquire);
  return state_->FindIn(array, HashValue(value, state_->seed), value).index;
}

Status ValueTable::State::Add(std::span<const std::byte> bytes, uint32_t hash, uint32_t inserted,
                              ValueIndex* index) {
  // Under the mutex no other thread adds or retires, so this search is conclusive (V1). So was the
  // first one if nothing was inserted since.
  const SlotArray& array = *slots.load(std::memory_order_relaxed);
  if (array.inserted() != inserted) {
    if (const ValueIndex found = FindIn(array, hash, bytes).index; found != kNoIndex) {
      const ReadSection section;
      if (!TryRef(found)) return Status::kNoMemory;  // the count is at its limit
      *index = found;
      return Status::kOk;
    }
  }
  INLAY_TEST_POINT("table.adds");
  const ValueIndex fresh = TakeIndex();
  if (fresh == kNoIndex) return refusal;
  if (const Status status = MakeRoomInSlots(); status != Status::kOk) {
    Append(&free, fresh);
    return status;
  }
  UnpoisonBytes(place(fresh), stride_bytes);
  if (is_replaceable()) new (&replacement(fresh)) Replacement{place(fresh), kNoIndex, false};
  INLAY_TEST_POINT("add.copies");
  std::memcpy(place(fresh), bytes.data(), bytes.size());
  entry(fresh).hash = hash;
  assert(ref_word(fresh).free());
  entry(fresh).ref_word.store(RefWord::LiveOnce().bits(), std::memory_order_release);
  slot_of(fresh) = slots.load(std::memory_order_relaxed)->Insert(hash, fresh);
  ++live;
  *index = fresh;
  return Status::kOk;
}

ValueIndex ValueTable::State::TakeNeverUsed() {
  const uint32_t used = high_water.load(std::memory_order_relaxed);
  const ValueIndex fresh = used + 1;
  if (used == max_values) {
    refusal = Status::kNoIndexes;
    return kNoIndex;
  }
  if (!value_range.Commit((size_t{fresh} + 1) * stride_bytes) ||
      !entry_range.Commit((size_t{fresh} + 1) * sizeof(Entry))) {
    refusal = Status::kNoMemory;
    return kNoIndex;
  }
  if (!Charge(BytesPerValue())) {
    refusal = Status::kAccountLimit;
    return kNoIndex;
  }
  // Zeroes are a free entry. After Trim() there may be something else; somebody may look at the
  // word who has read the high-water mark before it.
  entry(fresh).ref_word.store(RefWord::Free().bits(), std::memory_order_relaxed);
  entry(fresh).next = kNoIndex;
  high_water.store(fresh, std::memory_order_release);
  return fresh;
}

Status ValueTable::State::MakeRoomInSlots(uint32_t more) {
  SlotArray* const old = slots.load(std::memory_order_relaxed);
  if (old != nullptr && !TooFull(old->occupied() + more, old->slots())) return Status::kOk;
  // A rebuild drops tombstones, so the array grows only if the values need it: to at most half
  // full, so that the next rebuild is far off.
  const uint32_t wanted = WantedSlots(live + more);
  // Charge only the difference: the old array exists only until its readers have left.
  const size_t old_bytes = old == nullptr ? 0 : SlotArray::Bytes(old->slots());
  const size_t wanted_bytes = SlotArray::Bytes(wanted);
  const size_t more_bytes = wanted_bytes > old_bytes ? wanted_bytes - old_bytes : 0;
  SlotArray* grown = nullptr;
  Status failure = Status::kAccountLimit;
  if (more_bytes == 0 || Charge(more_bytes)) {
    failure = Status::kNoMemory;
    grown = SlotArray::TryCreate(wanted);
    if (grown == nullptr && more_bytes > 0) Uncharge(more_bytes);
  }
  if (grown == nullptr) {
    // A fuller array is still correct, but needs one empty slot, or a search would not end.
    const bool has_room = old != nullptr && old->occupied() + more < old->slots();
    return has_room ? Status::kOk : failure;
  }
  ReplaceSlots(grown);
  if (old_bytes > wanted_bytes) Uncharge(old_bytes - wanted_bytes);
  return Status::kOk;
}

uint32_t ValueTable::State::WantedSlots(uint32_t values) {
  const auto least = static_cast<uint32_t>(HashSlots(values));
  return 2 * values > least ? 2 * least : least;
}

// Moves all values to `array`, which is large enough, and makes it the hash index.
void ValueTable::State::ReplaceSlots(SlotArray* array) {
  SlotArray* const old = slots.load(std::memory_order_relaxed);
  if (old != nullptr) array->Continue(*old);
  for (uint32_t at = 0; old != nullptr && at < old->slots(); ++at) {
    const ValueIndex index = old->IndexAt(at);
    if (index != kNoIndex) slot_of(index) = array->Insert(entry(index).hash, index);
  }
  slots.store(array, std::memory_order_release);
  if (old != nullptr) SlotArray::FreeLater(old, pending);
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

}  // namespace inlay
