#include "inlay/store.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <utility>

#include "engine/memory/allocate.h"
#include "engine/stores/field_allocator.h"
#include "engine/stores/map_registry.h"
#include "engine/stores/open_owners.h"
#include "engine/sync/broken_rule.h"
#include "engine/sync/mutex.h"
#include "engine/sync/one_writer.h"
#include "engine/sync/test_point.h"
#include "inlay/rcu.h"
#include "inlay/store_report.h"

namespace inlay {

struct Store::Entry : MapEntry<RegisteredMap> {
  InlineField field;
  // Dead: the number of codes that owners still hold. The thread that takes the last one makes the
  // entry emptied.
  std::atomic<int64_t> codes_left{0};
  // Emptied: every CloseOwner() that saw the entry dead has returned when this elapses. Guarded by
  // the store's mutex.
  std::optional<GracePeriod> close_ends;
};

namespace {

// `options` are complete.
InlineField ClosedField(const StoreOptions& options) {
  if (!options.mark_closed) return {};
  const uint32_t last = std::min(options.reserved_bits, options.word_bits) - 1;
  return {.word = 0, .shift = static_cast<uint8_t>(last), .width_bits = 1};
}

}  // namespace

// What waits for readers is uncharged when it is freed, which may be after the store's end.
struct SideAccounts {
  explicit SideAccounts(const StoreOptions& options)
      : spilled(AccountOptions{
            .name = "spills", .limit_bytes = options.spill_limit_bytes, .parent = options.account}),
        pending(AccountOptions{.name = "pending",
                               .limit_bytes = options.pending_limit_bytes,
                               .parent = options.account}) {}
  static void Free(RcuHead* head) {
    static_assert(offsetof(SideAccounts, rcu_head) == 0);
    delete reinterpret_cast<SideAccounts*>(head);
  }

  RcuHead rcu_head;
  Account spilled;
  Account pending;
};

struct Store::State {
  State(const StoreOptions& options, std::unique_ptr<uint64_t[]> taken,
        std::unique_ptr<Entry[]> entry_array, uint32_t entry_count,
        std::unique_ptr<SideAccounts> side_accounts, std::unique_ptr<OpenOwners> recorded_owners)
      : fields(options.reserved_bits, options.word_bits, std::move(taken)),
        side(side_accounts.release()),
        open_owners(std::move(recorded_owners)),
        maps(std::move(entry_array), entry_count) {
    if (options.mark_closed) fields.Withhold(ClosedField(options));
  }
  // All maps are gone, so what they retired comes before this.
  ~State() { Retire<SideAccounts::Free>(&side->rcu_head); }

  void FreeEmptied() LOCKS_EXCLUDED(mutex);

  Mutex mutex;
  FieldAllocator fields GUARDED_BY(mutex);
  // fields.taken_bits(), for readers without the mutex.
  OneWriter<uint32_t> taken_bits;
  SideAccounts* const side;
  const std::unique_ptr<OpenOwners> open_owners;  // null unless options.record_owners
  MapRegistry<RegisteredMap, Entry> maps;  // as many entries as fields of the smallest width fit
  // The complete maps, in the order in which they were made, also those without a field. No thread
  // that reads or writes values takes this mutex.
  Mutex shown_mutex;
  RegisteredMap* shown GUARDED_BY(shown_mutex) = nullptr;
  uint64_t maps_shown GUARDED_BY(shown_mutex) = 0;  // so far
};

Status Store::Create(const StoreOptions& options, std::unique_ptr<Store>* store) noexcept {
  StoreOptions complete = options;
  if (complete.word_bits == 0) {
    complete.word_bits = complete.reserved_bits == 0 ? 64 : std::min(complete.reserved_bits, 64U);
  }
  const uint32_t reserved = complete.reserved_bits;
  const uint32_t word = complete.word_bits;
  const bool reservation_fits =
      reserved == 16 || reserved == 32 || reserved % 64 == 0;  // 0: no index maps
  if (!reservation_fits || (word != 16 && word != 32 && word != 64) ||
      (reserved > word && word != 64) || (complete.mark_closed && reserved == 0)) {
    return Status::kInvalid;
  }
  if (const Status status = StartReclaiming(); status != Status::kOk) return status;
  const uint32_t entries = reserved;
  auto taken = TryNewArray<uint64_t>(FieldAllocator::Words(reserved, word));
  auto entry_array = TryNewArray<Entry>(entries);
  auto side_accounts = TryNew<SideAccounts>(complete);
  if (taken == nullptr || entry_array == nullptr || side_accounts == nullptr) {
    return Status::kNoMemory;
  }
  std::unique_ptr<OpenOwners> open_owners;
  if (complete.record_owners && (open_owners = TryNew<OpenOwners>()) == nullptr) {
    return Status::kNoMemory;
  }
  auto state = TryNew<State>(complete, std::move(taken), std::move(entry_array), entries,
                             std::move(side_accounts), std::move(open_owners));
  if (state == nullptr || !AllocationAllowed()) return Status::kNoMemory;
  Store* const made = new (std::nothrow) Store(complete, std::move(state));
  if (made == nullptr) return Status::kNoMemory;
  store->reset(made);
  return Status::kOk;
}

Store::Store(const StoreOptions& options, std::unique_ptr<State> state)
    : options_(options),
      closed_field_(ClosedField(options)),
      account_(AccountOptions{
          .name = "tables", .limit_bytes = options.table_limit_bytes, .parent = options.account}),
      state_(std::move(state)) {}

Store::~Store() {
  const auto expect_none = [](const RegisteredMap* map) {
    if (map == nullptr) return;
    MapReport report;
    map->Describe(&report);
    BrokenRule("map", report.name.c_str(), "outlives its store: destroy it first");
  };
  {
    MutexLock lock(&state_->shown_mutex);
    expect_none(state_->shown);  // with or without a field
  }
  for (const Entry& entry : state_->maps.InUse()) {
    if (entry.phase.load() == Entry::Phase::kLive) expect_none(entry.map);
  }
}

Account& Store::spill_account() { return state_->side->spilled; }
Account& Store::pending_account() { return state_->side->pending; }

// --- owners

// The owner's slot for the pointer layout. Null if there is none.
StoragePointer* Store::PrivateSlot(const OwnerRef& owner) const noexcept {
  return options_.private_values != nullptr ? owner.storage_pointer() : nullptr;
}

void Store::ClearDeadField(Entry& entry, const OwnerRef& owner) noexcept {
  if (!owner.words().Holds(entry.field)) return;
  if (owner.words().Load(entry.field) == kAbsentCode) return;
  if (owner.words().Exchange(entry.field, kAbsentCode) == kAbsentCode) return;
  Record(owner, false);
  TakeFromDead(entry, 1);
}

// Counts down the codes of a dead entry. The caller that takes the last one makes the entry
// emptied.
void Store::TakeFromDead(Entry& entry, int64_t codes) noexcept {
  if (entry.codes_left.fetch_sub(codes, std::memory_order_acq_rel) != codes) return;
  MutexLock lock(&state_->mutex);
  entry.close_ends = GracePeriod::Start();
  entry.phase.store(Entry::Phase::kEmptied, std::memory_order_release);
}

// Before the fields are cleared: then whoever swaps a first code into the same word fails, and
// finds the mark.
void Store::MarkClosed(const OwnerRef& owner, uint32_t mark) noexcept {
  if (owner.words().Holds(closed_field_)) owner.words().Exchange(closed_field_, mark);
}

void Store::CloseOwner(const OwnerRef& owner) noexcept {
  ReadSection section;
  for (Entry& entry : state_->maps.InUse()) {
    switch (entry.phase.load(std::memory_order_acquire)) {
      case Entry::Phase::kLive: {
        // A map gives no value to an owner that does not hold its field.
        if (!owner.words().Holds(entry.field)) break;
        INLAY_TEST_POINT("close.map_is_live");
        if (owner.words().Load(entry.field) == kAbsentCode) break;
        const uint32_t code = owner.words().Exchange(entry.field, kAbsentCode);
        if (code == kAbsentCode) break;
        entry.map->ReleaseCode(owner, code);
        Record(owner, false);
        break;
      }
      case Entry::Phase::kDead:
        INLAY_TEST_POINT("close.map_is_dead");
        ClearDeadField(entry, owner);
        break;
      case Entry::Phase::kFree:
      case Entry::Phase::kEmptied:
        break;
    }
  }
  // Last: the loop has released the private values of spilled codes; the rest belongs to maps that
  // have fallen back.
  if (StoragePointer* const slot = PrivateSlot(owner)) options_.private_values->ReleaseOwner(*slot);
}

Status Store::CloneOwner(const OwnerRef& parent, const OwnerRef& child) noexcept {
  if (parent.IsClosed(closed_field_) || child.IsClosed(closed_field_)) return Status::kNotFound;
  ReadSection section;
  // First: on failure the domain empties the child's slot, which must not hold the private value of
  // a spilled code yet.
  StoragePointer* const from = PrivateSlot(parent);
  StoragePointer* const to = PrivateSlot(child);
  if (from != nullptr && to != nullptr) {
    const Status status = options_.private_values->CloneOwner(*from, *to);
    if (status != Status::kOk) return status;
  }
  for (Entry& entry : state_->maps.InUse()) {
    if (entry.phase.load(std::memory_order_acquire) != Entry::Phase::kLive) continue;
    const Status status = entry.map->CloneValue(parent, child);
    if (status != Status::kOk) {
      CloseOwner(child);
      return status;
    }
  }
  return Status::kOk;
}

// Private values are copied first, so that nothing has moved if there is no memory. Codes move
// before the storage pointer: a get of `from` that sees the spilled code finds the value there.
Status Store::MoveOwner(const OwnerRef& from, const OwnerRef& to) noexcept {
  if (from.IsClosed(closed_field_) || to.IsClosed(closed_field_)) return Status::kNotFound;
  ReadSection section;
  Status status = Status::kOk;
  const auto has_code = [&from](const Entry& entry) {
    return from.words().Holds(entry.field) && from.words().Load(entry.field) != kAbsentCode;
  };
  for (Entry& entry : state_->maps.InUse()) {
    if (entry.phase.load(std::memory_order_acquire) == Entry::Phase::kLive && has_code(entry)) {
      status = entry.map->PrepareMove(from, to);
      if (status != Status::kOk) break;
    }
  }
  INLAY_TEST_POINT("move.prepared");
  for (Entry& entry : state_->maps.InUse()) {
    const Entry::Phase phase = entry.phase.load(std::memory_order_acquire);
    const bool is_live = phase == Entry::Phase::kLive;
    if ((!is_live && phase != Entry::Phase::kDead) || !has_code(entry)) continue;
    if (status != Status::kOk) {
      if (is_live) entry.map->AbandonMove(to);
      continue;
    }
    const uint32_t code = from.words().Exchange(entry.field, kAbsentCode);
    INLAY_TEST_POINT("move.code_taken");
    [[maybe_unused]] const bool stored = to.words().StoreInNewOwner(entry.field, code);
    assert(stored && "an owner is moved to one that has values");
    if (is_live) entry.map->CodeMoved(from, to, code);
  }
  if (status != Status::kOk) return status;
  StoragePointer* const from_slot = PrivateSlot(from);
  if (from_slot != nullptr) options_.private_values->MoveOwner(*from_slot, *PrivateSlot(to));
  if (options_.mark_closed) MarkClosed(from, 1);
  if (options_.record_owners) {
    state_->open_owners->Move(from.words().address(), to.words().address());
  }
  return Status::kOk;
}

void Store::RecordValue(const OwnerRef& owner, bool more) noexcept {
  state_->open_owners->Change(owner.words().address(), more);
}

void Store::ForEachOpenOwner(FunctionRef<void(const OpenOwner& owner)> visit) const {
  if (state_->open_owners != nullptr) state_->open_owners->ForEach(visit);
}

std::string Store::DescribeOpenOwners(size_t most_call_sites) const {
  return state_->open_owners != nullptr ? state_->open_owners->Describe(most_call_sites)
                                        : "the store does not record owners\n";
}

// --- maps

// Frees the emptied entries, after a grace period if one of them needs it.
void Store::State::FreeEmptied() {
  const auto free_elapsed = [this] {
    MutexLock lock(&mutex);
    bool left = false;
    for (Entry& entry : maps.InUse()) {
      if (entry.phase.load(std::memory_order_relaxed) != Entry::Phase::kEmptied) continue;
      if (entry.close_ends->Elapsed()) {
        fields.Return(entry.field);
        taken_bits = fields.taken_bits();
        entry.phase.store(Entry::Phase::kFree, std::memory_order_relaxed);
      } else {
        left = true;
      }
    }
    return left;
  };
  if (free_elapsed()) {
    Synchronize();
    free_elapsed();
  }
}

Status Store::Register(RegisteredMap* map, uint32_t width_bits, InlineField* field,
                       const InlineField* place) noexcept {
  if (width_bits == 0 || width_bits > InlineField::kMaxWidthBits) return Status::kInvalid;
  // Bits of emptied entries become free only here.
  state_->FreeEmptied();
  MutexLock lock(&state_->mutex);
  std::optional<InlineField> taken;
  if (place == nullptr) {
    taken = state_->fields.Take(width_bits);
  } else if (state_->fields.TakeAt(*place)) {
    taken = *place;
  }
  if (!taken.has_value()) return Status::kNoBits;
  state_->taken_bits = state_->fields.taken_bits();
  Entry* const entry = state_->maps.FindFree();
  entry->field = *taken;
  entry->codes_left.store(0, std::memory_order_relaxed);
  // Before the map is live: a Clone() on another thread may call it at once.
  *field = *taken;
  state_->maps.GoLive(entry, map);
  return Status::kOk;
}

void Store::Unregister(RegisteredMap* map) noexcept {
  Entry* dead = nullptr;
  {
    MutexLock lock(&state_->mutex);  // other threads may register and free other maps meanwhile
    dead = state_->maps.FindLive(map);
  }
  // Closed owners count down before the total is known. kHold, more codes than can exist, keeps the
  // entry dead until this function is done.
  constexpr int64_t kHold = int64_t{1} << 56;
  dead->codes_left.store(kHold, std::memory_order_relaxed);
  dead->phase.store(Entry::Phase::kDead, std::memory_order_release);
  Synchronize();  // after this, no CloseOwner() is in a call of the map
  dead->codes_left.fetch_add(static_cast<int64_t>(map->codes()), std::memory_order_acq_rel);
  if (options_.population != nullptr) {
    options_.population->ForEachOwner([&](const OwnerRef& owner) { ClearDeadField(*dead, owner); });
  }
  TakeFromDead(*dead, kHold);
}

size_t Store::InlineBytes(InlineField field) const {
  if (options_.population == nullptr) return 0;
  return options_.population->owners() * (options_.reserved_bits / 8) * field.width_bits /
         state_->taken_bits;
}

void Store::Show(RegisteredMap* map) noexcept {
  MutexLock lock(&state_->shown_mutex);
  RegisteredMap** link = &state_->shown;
  while (*link != nullptr) link = &(*link)->next_shown_;
  *link = map;
  map->number_ = ++state_->maps_shown;
}

void Store::Hide(RegisteredMap* map) noexcept {
  MutexLock lock(&state_->shown_mutex);
  RegisteredMap** link = &state_->shown;
  while (*link != nullptr && *link != map) link = &(*link)->next_shown_;
  if (*link != nullptr) *link = map->next_shown_;
}

StoreReport Store::Report(const StoreReport* earlier) const {
  StoreReport report;
  report.taken = std::chrono::steady_clock::now();
  report.tables = {account_.used_bytes(), account_.limit_bytes()};
  report.spilled = {state_->side->spilled.used_bytes(), state_->side->spilled.limit_bytes()};
  report.pending = {state_->side->pending.used_bytes(), state_->side->pending.limit_bytes()};
  report.reserved_bits = options_.reserved_bits;
  report.free_bits = options_.reserved_bits - state_->taken_bits - closed_field_.width_bits;
  if (options_.population != nullptr) report.owners = options_.population->owners();
  MutexLock lock(&state_->shown_mutex);
  for (const RegisteredMap* map = state_->shown; map != nullptr; map = map->next_shown_) {
    MapReport& part = report.maps.emplace_back();
    part.number = map->number_;
    map->Describe(&part);
    const MapReport* const before = earlier != nullptr ? earlier->Find(part.number) : nullptr;
    if (before == nullptr) continue;
    part.forecast = ForecastIndexes(*before, part, report.taken - earlier->taken);
  }
  return report;
}

size_t Store::Trim() noexcept {
  size_t bytes = 0;
  for (Entry& entry : state_->maps.InUse()) {
    if (entry.phase.load(std::memory_order_acquire) == Entry::Phase::kLive) {
      bytes += entry.map->TrimMemory();
    }
  }
  return options_.private_values != nullptr ? bytes + options_.private_values->Trim() : bytes;
}

bool Store::CheckInvariants(std::string* reason) const {
  if (options_.population == nullptr) return true;
  for (const Entry& entry : state_->maps.InUse()) {
    if (entry.phase.load(std::memory_order_acquire) != Entry::Phase::kLive) continue;
    const auto counted = std::make_unique<uint64_t[]>(size_t{entry.field.mask()} + 1);
    options_.population->ForEachOwner([&](const OwnerRef& owner) {
      if (owner.words().Holds(entry.field)) ++counted[owner.words().Load(entry.field)];
    });
    if (!entry.map->CheckCodes(counted.get(), reason)) return false;
  }
  return true;
}

}  // namespace inlay
