#include "inlay/store.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <new>
#include <optional>
#include <utility>

#include "engine/memory/allocate.h"
#include "engine/stores/field_allocator.h"
#include "engine/sync/mutex.h"
#include "inlay/rcu.h"

namespace inlay {

// The life of an entry:  free -> live (a map) -> dead (no map, codes left in owners) -> cooling (no
// codes left, but a Close() may still be looking) -> free. `field` and `map` are set while the
// entry is free and read while it is live or dead.
struct Store::Entry {
  enum class Phase : uint8_t { kFree, kLive, kDead, kCooling };

  std::atomic<Phase> phase{Phase::kFree};
  InlineField field;
  StoreMap* map = nullptr;
  // Dead: codes that owners still hold.
  std::atomic<int64_t> codes_left{0};
  std::optional<GracePeriod> cooling;  // guarded by the store's mutex
};

struct Store::State {
  State(const StoreOptions& options, std::unique_ptr<uint64_t[]> taken,
        std::unique_ptr<Entry[]> entry_array, uint32_t entry_count)
      : fields(options.reserved_bits, options.word_bits, std::move(taken)),
        entries(std::move(entry_array)),
        capacity(entry_count) {}

  std::span<Entry> InUse() const {
    return {entries.get(), entries_used.load(std::memory_order_acquire)};
  }
  void ReturnCooled(bool wait) LOCKS_EXCLUDED(mutex);

  Mutex mutex;
  FieldAllocator fields GUARDED_BY(mutex);
  const std::unique_ptr<Entry[]> entries;  // as many as fields of the smallest width fit
  const uint32_t capacity;
  std::atomic<uint32_t> entries_used{0};
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
      (reserved > word && word != 64)) {
    return Status::kInvalid;
  }
  const uint32_t entries = reserved;
  auto taken = TryNewArray<uint64_t>(FieldAllocator::Words(reserved, word));
  auto entry_array = TryNewArray<Entry>(entries);
  if (taken == nullptr || entry_array == nullptr) return Status::kNoMemory;
  auto state = TryNew<State>(complete, std::move(taken), std::move(entry_array), entries);
  if (state == nullptr || !AllocationAllowed()) return Status::kNoMemory;
  Store* const made = new (std::nothrow) Store(complete, std::move(state));
  if (made == nullptr) return Status::kNoMemory;
  store->reset(made);
  return Status::kOk;
}

Store::Store(const StoreOptions& options, std::unique_ptr<State> state)
    : options_(options), account_(options.table_limit_bytes), state_(std::move(state)) {}

Store::~Store() {
  for ([[maybe_unused]] const Entry& entry : state_->InUse()) {
    assert(entry.phase.load() != Entry::Phase::kLive && "a map outlives its store");
  }
}

// --- owners

// Where an owner keeps what the pointer layout holds; null if there is no such place.
StorageSlot* Store::PrivateSlot(const OwnerRef& owner) const noexcept {
  return options_.private_values != nullptr ? owner.storage_slot() : nullptr;
}

void Store::ClearDeadField(Entry& entry, const OwnerRef& owner) noexcept {
  if (owner.words().Load(entry.field) == kAbsentCode) return;
  if (owner.words().Exchange(entry.field, kAbsentCode) == kAbsentCode) return;
  TakeFromDead(entry, 1);
}

// Whoever takes the last code from a dead entry gives its bits back.
void Store::TakeFromDead(Entry& entry, int64_t codes) noexcept {
  if (entry.codes_left.fetch_sub(codes, std::memory_order_acq_rel) != codes) return;
  MutexLock lock(&state_->mutex);
  entry.cooling = GracePeriod::Start();
  entry.phase.store(Entry::Phase::kCooling, std::memory_order_release);
}

void Store::CloseOwner(const OwnerRef& owner) noexcept {
  ReadSection section;
  for (Entry& entry : state_->InUse()) {
    switch (entry.phase.load(std::memory_order_acquire)) {
      case Entry::Phase::kLive: {
        if (owner.words().Load(entry.field) == kAbsentCode) break;
        const uint32_t code = owner.words().Exchange(entry.field, kAbsentCode);
        if (code != kAbsentCode) entry.map->ReleaseCode(owner, code);
        break;
      }
      case Entry::Phase::kDead:
        ClearDeadField(entry, owner);
        break;
      case Entry::Phase::kFree:
      case Entry::Phase::kCooling:
        break;
    }
  }
  // Last: a spilled code's private value was released with the code, what is left belongs to maps that
  // have fallen back.
  if (StorageSlot* const slot = PrivateSlot(owner)) options_.private_values->ReleaseOwner(*slot);
}

Status Store::CloneOwner(const OwnerRef& parent, const OwnerRef& child) noexcept {
  ReadSection section;
  // First: should it fail, the child has nothing. (A spilled code's private value is not the domain's to
  // take away.)
  StorageSlot* const from = PrivateSlot(parent);
  StorageSlot* const to = PrivateSlot(child);
  if (from != nullptr && to != nullptr) {
    const Status status = options_.private_values->CloneOwner(*from, *to);
    if (status != Status::kOk) return status;
  }
  for (Entry& entry : state_->InUse()) {
    if (entry.phase.load(std::memory_order_acquire) != Entry::Phase::kLive) continue;
    const Status status = entry.map->CloneValue(parent, child);
    if (status != Status::kOk) {
      CloseOwner(child);
      return status;
    }
  }
  return Status::kOk;
}

// --- maps

// Entries whose grace period is over become free; `wait` makes it so for all that are cooling.
void Store::State::ReturnCooled(bool wait) {
  const auto collect = [this] {
    MutexLock lock(&mutex);
    bool left = false;
    for (Entry& entry : InUse()) {
      if (entry.phase.load(std::memory_order_relaxed) != Entry::Phase::kCooling) continue;
      if (entry.cooling->Elapsed()) {
        fields.Return(entry.field);
        entry.phase.store(Entry::Phase::kFree, std::memory_order_relaxed);
      } else {
        left = true;
      }
    }
    return left;
  };
  if (collect() && wait) {
    Synchronize();
    collect();
  }
}

Status Store::Register(StoreMap* map, uint32_t width_bits, InlineField* field) noexcept {
  if (width_bits == 0 || width_bits > InlineField::kMaxWidthBits) return Status::kInvalid;
  // Bits come back from cooling entries here, when no Close() can be about to clear them any more.
  state_->ReturnCooled(true);
  MutexLock lock(&state_->mutex);
  const std::optional<InlineField> taken = state_->fields.Take(width_bits);
  if (!taken.has_value()) return Status::kNoMemory;
  const uint32_t used = state_->entries_used.load(std::memory_order_relaxed);
  uint32_t at = 0;
  while (at < used &&
         state_->entries[at].phase.load(std::memory_order_relaxed) != Entry::Phase::kFree) {
    ++at;
  }
  assert(at < state_->capacity);  // there are as many entries as bits
  Entry& entry = state_->entries[at];
  entry.field = *taken;
  entry.map = map;
  entry.codes_left.store(0, std::memory_order_relaxed);
  // Before the map goes live: a Clone() on another thread may call it at once.
  *field = *taken;
  entry.phase.store(Entry::Phase::kLive, std::memory_order_release);
  if (at == used) state_->entries_used.store(used + 1, std::memory_order_release);
  return Status::kOk;
}

void Store::Unregister(StoreMap* map) noexcept {
  Entry* dead = nullptr;
  {
    MutexLock lock(&state_->mutex);  // other entries may be given to other maps meanwhile
    for (Entry& entry : state_->InUse()) {
      if (entry.phase.load(std::memory_order_acquire) == Entry::Phase::kLive && entry.map == map) {
        dead = &entry;
      }
    }
  }
  assert(dead != nullptr);
  // More codes than there can be keep the entry dead until this function is done with it: owners
  // are closed meanwhile, and count down before the total is known.
  constexpr int64_t kHold = int64_t{1} << 56;
  dead->codes_left.store(kHold, std::memory_order_relaxed);
  dead->phase.store(Entry::Phase::kDead, std::memory_order_release);
  Synchronize();  // every Close() that called the map has returned from it
  dead->codes_left.fetch_add(static_cast<int64_t>(map->codes()), std::memory_order_acq_rel);
  if (options_.population != nullptr) {
    options_.population->ForEachOwner([&](const OwnerRef& owner) { ClearDeadField(*dead, owner); });
  }
  TakeFromDead(*dead, kHold);
}

size_t Store::InlineBytes(InlineField field) const {
  if (options_.population == nullptr) return 0;
  uint32_t taken_bits = 0;
  {
    MutexLock lock(&state_->mutex);
    taken_bits = state_->fields.taken_bits();
  }
  return options_.population->owners() * (options_.reserved_bits / 8) * field.width_bits /
         taken_bits;
}

bool Store::CheckInvariants(std::string* reason) const {
  if (options_.population == nullptr) return true;
  for (const Entry& entry : state_->InUse()) {
    if (entry.phase.load(std::memory_order_acquire) != Entry::Phase::kLive) continue;
    const auto counted = std::make_unique<uint64_t[]>(size_t{entry.field.mask()} + 1);
    options_.population->ForEachOwner(
        [&](const OwnerRef& owner) { ++counted[owner.words().Load(entry.field)]; });
    if (!entry.map->CheckCodes(counted.get(), reason)) return false;
  }
  return true;
}

}  // namespace inlay
