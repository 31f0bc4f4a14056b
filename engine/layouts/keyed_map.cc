// How a keyed map keeps its keys and values.
//
// The keys are interned in a ValueTable, and an owner holds the index of its key as a code. The
// array `values_` has the address of each key's value at the key's index. A thread that changes a
// place of the array holds the map's mutex.
//
//   K1  A place that is not null has a reference to its key, which the map holds. So the key keeps
//       its index, and at the moment in which a key gets an index, the place is null.
//   K2  A reader that has loaded a code sees the place of that key, to the end of its section: the
//       owner's reference was there in the section, so the table gives the index to another key
//       only after the section has ended (V2).
//   K3  A value is replaced by the swap of one pointer, and freed after a grace period.

#include "inlay/keyed_map.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <new>
#include <utility>

#include "engine/layouts/keyed_map_state.h"
#include "engine/memory/allocate.h"
#include "engine/sync/liburcu.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "inlay/rcu.h"

namespace inlay {
// --- set-up and teardown

Status KeyedIndexMap::Create(Store& store, uint32_t key_bytes, const MapOptions& options,
                             std::unique_ptr<KeyedIndexMap>* map) noexcept {
  if (const Status status = CheckMapOptions(options, kMaxAlignment); status != Status::kOk) {
    return status;
  }
  const InlineField* const place = options.field.has_value() ? &*options.field : nullptr;
  const uint32_t width_bits = place != nullptr ? place->width_bits : options.width_bits;
  if (width_bits < IndexMap::kMinWidthBits || width_bits > InlineField::kMaxWidthBits ||
      options.spin_lock || key_bytes == 0) {
    return Status::kInvalid;
  }
  if (key_bytes > kMaxValueBytes) return Status::kTooBig;
  if (!AllocationAllowed()) return Status::kNoMemory;
  std::unique_ptr<KeyedIndexMap> made;
  try {
    made.reset(new KeyedIndexMap(store, options));
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  Status status = store.Register(made.get(), width_bits, &made->field_, place);
  if (status == Status::kOk) status = made->MakeTable(key_bytes);
  if (status != Status::kOk) return status;
  store.Show(made.get());
  *map = std::move(made);
  return Status::kOk;
}

KeyedIndexMap::KeyedIndexMap(Store& store, const MapOptions& options)
    : closed_(store.closed_field()), store_(store), options_(options) {}

Status KeyedIndexMap::MakeTable(uint32_t key_bytes) noexcept {
  mask_ = field_.mask();
  field_end_bits_ = field_.end_bits();
  state_ = TryNew<State>();
  if (state_ == nullptr) return Status::kNoMemory;
  Account* const own = options_.account;
  state_->account = own != nullptr ? own : &store_.account();
  Account* const pending = own != nullptr ? own : &store_.pending_account();
  state_->has_one_account = state_->account == pending;
  if (!state_->copies.Create(options_.value_bytes, options_.alignment, pending)) {
    return Status::kNoMemory;
  }
  // Zeroes are null. The system gives memory to the pages that are used.
  const size_t bytes = (size_t{field_.mask()} + 1) * sizeof(State::Place);
  if (!state_->places.Reserve(bytes) || !state_->places.Commit(bytes)) return Status::kNoMemory;
  values_ = reinterpret_cast<State::Place*>(state_->places.base());
  ValueTableOptions table_options;
  table_options.value_bytes = key_bytes;
  table_options.max_values = field_.max_index();
  table_options.account = state_->account;
  table_options.pending = pending;
  table_options.background = options_.background;
  return ValueTable::Create(table_options, &keys_);
}

KeyedIndexMap::~KeyedIndexMap() {
  assert((keys_ == nullptr || keys_->open_refs() == 0) && "a KeyRef outlives its map");
  store_.Hide(this);
  // Waits for a grace period: no reader has a value afterwards.
  if (field_ != InlineField{}) store_.Unregister(this);
  if (keys_ == nullptr) return;  // Create() failed
  for (uint32_t index = 1; index <= state_->charged_places; ++index) {
    const std::byte* const value = values_[index].load(std::memory_order_relaxed);
    if (value == nullptr) continue;
    state_->copies.Free(value);
    state_->account->Uncharge(state_->copies.bytes_each());
  }
  state_->account->Uncharge(State::PlaceBytes(state_->charged_places));
}

// --- values of keys

Status KeyedIndexMap::Set(std::span<const std::byte> key, std::span<const std::byte> value,
                          KeyRef* ref) noexcept {
  if (key.size() != key_bytes() || value.size() != options_.value_bytes) return Status::kInvalid;
  ValueRef interned;
  Status status = ValueRef::Intern(keys_.get(), key, &interned);
  INLAY_TEST_POINT("keyed_set.interned");
  if (status == Status::kOk) status = SetIndex(interned.index(), value);
  if (status != Status::kOk) return CountNoMemory(status);
  if (ref != nullptr) ref->key_ = std::move(interned);
  return Status::kOk;
}

Status KeyedIndexMap::Set(const KeyRef& key, std::span<const std::byte> value) noexcept {
  if (!key.key_.IsOf(keys_.get()) || value.size() != options_.value_bytes) return Status::kInvalid;
  return CountNoMemory(SetIndex(key.key_.index(), value));
}

// The caller holds a reference to the key.
Status KeyedIndexMap::SetIndex(ValueIndex index, std::span<const std::byte> value) noexcept {
  const ValueCopies& copies = state_->copies;
  const bool is_one_account = state_->has_one_account;
  const Status no_room_to_wait = is_one_account ? Status::kAccountLimit : Status::kPendingLimit;
  auto fresh = copies.TryCopy(value);
  if (fresh == nullptr) return Status::kNoMemory;
  const std::byte* old = nullptr;
  {
    MutexLock lock(&state_->mutex);
    old = values_[index].load(std::memory_order_relaxed);
    if (old != nullptr) {
      // The new value takes the old one's place in the account.
      if (!copies.ChargeWaiting()) return no_room_to_wait;
      ++state_->replaced;
    } else {
      // It will wait for readers one day. In one account for both, that is the next charge.
      if (!is_one_account && !copies.HasRoomToWait()) return no_room_to_wait;
      const uint32_t charged = state_->charged_places;
      const uint32_t places = std::max(charged, index) - charged;
      const size_t bytes = copies.bytes_each() + State::PlaceBytes(places);
      if (!state_->account->Charge(bytes)) return Status::kAccountLimit;
      if (!keys_->TryRef(index)) {  // the count is at its limit
        state_->account->Uncharge(bytes);
        return Status::kNoMemory;
      }
      state_->charged_places += places;
      ++state_->values;
    }
    values_[index].store(fresh.release(), std::memory_order_release);
  }
  if (old != nullptr) copies.FreeLater(old);
  return Status::kOk;
}

Status KeyedIndexMap::Erase(std::span<const std::byte> key) noexcept {
  if (key.size() != key_bytes()) return Status::kInvalid;
  const ReadSection section;  // keeps the index the key's
  const ValueIndex index = FindSet(key);
  INLAY_TEST_POINT("keyed_erase.found");
  return index == kNoIndex ? Status::kNotFound : EraseIndex(index);
}

Status KeyedIndexMap::Erase(const KeyRef& key) noexcept {
  return key.key_.IsOf(keys_.get()) ? EraseIndex(key.key_.index()) : Status::kInvalid;
}

Status KeyedIndexMap::EraseIndex(ValueIndex index) noexcept {
  const std::byte* old = nullptr;
  {
    MutexLock lock(&state_->mutex);
    old = values_[index].load(std::memory_order_relaxed);
    if (old == nullptr) return Status::kNotFound;
    values_[index].store(nullptr, std::memory_order_release);
    --state_->values;
    ++state_->erased;
  }
  state_->account->Uncharge(state_->copies.bytes_each());
  state_->copies.ChargeWaitingBeyondLimit();
  state_->copies.FreeLater(old);
  INLAY_TEST_POINT("keyed_erase.emptied");
  keys_->Release(index);  // after the place is null (K1)
  return Status::kOk;
}

ValueIndex KeyedIndexMap::FindSet(std::span<const std::byte> key) const noexcept {
  const ValueIndex index = keys_->Find(key);
  return index != kNoIndex && HasValue(index) ? index : kNoIndex;
}

// Takes a reference to a key that had a value in this section. kNotFound: it was erased since, and
// the key reclaimed.
Status KeyedIndexMap::Reference(ValueIndex index) noexcept {
  if (keys_->TryRef(index)) [[likely]]
    return Status::kOk;
  return HasValue(index) ? CountNoMemory(Status::kNoMemory) : Status::kNotFound;
}

Status KeyedIndexMap::Find(std::span<const std::byte> key, KeyRef* ref) noexcept {
  if (key.size() != key_bytes()) return Status::kInvalid;
  const ReadSection section;
  const ValueIndex index = FindSet(key);
  if (index == kNoIndex) return Status::kNotFound;
  INLAY_TEST_POINT("keyed_find.found");
  if (const Status status = Reference(index); status != Status::kOk) return status;
  ref->key_ = ValueRef::Adopt(keys_.get(), index);
  return Status::kOk;
}

const std::byte* KeyedIndexMap::ValueOf(std::span<const std::byte> key) const noexcept {
  // The place of no index is always null.
  return values_[keys_->Find(key)].load(std::memory_order_acquire);
}

Status KeyedIndexMap::CountNoMemory(Status status) noexcept {
  const auto count = [](std::atomic<uint64_t>& counter) {
    counter.fetch_add(1, std::memory_order_release);
  };
  if (IsNoMemory(status)) count(state_->no_memory);  // first: Describe() loads it last
  if (status == Status::kNoIndexes) count(state_->no_indexes);
  if (status == Status::kAccountLimit) count(state_->account_limit);
  if (status == Status::kPendingLimit) count(state_->pending_limit);
  return status;
}

// --- owners

Status KeyedIndexMap::Check(const OwnerRef& owner, UpdateFlag flag, uint32_t code) const noexcept {
  if (code == kAbsentCode && owner.IsGone(closed_)) return Status::kNotFound;
  return CheckUpdateFlag(flag, code != kAbsentCode);
}

Status KeyedIndexMap::AssignKey(const OwnerRef& owner, std::span<const std::byte> key,
                                UpdateFlag flag) noexcept {
  if (key.size() != key_bytes() || !owner.words().Holds(field_)) return Status::kInvalid;
  const ReadSection section;
  const ValueIndex index = FindSet(key);
  return index == kNoIndex ? Status::kNotFound : AssignIndex(owner, index, flag);
}

Status KeyedIndexMap::AssignRef(const OwnerRef& owner, const KeyRef& key,
                                UpdateFlag flag) noexcept {
  if (!key.key_.IsOf(keys_.get()) || !owner.words().Holds(field_)) return Status::kInvalid;
  const ValueIndex index = key.key_.index();
  return HasValue(index) ? AssignIndex(owner, index, flag) : Status::kNotFound;
}

// Check first: an assignment that fails, or changes nothing, needs no count.
Status KeyedIndexMap::AssignIndex(const OwnerRef& owner, ValueIndex index,
                                  UpdateFlag flag) noexcept {
  const uint32_t code = owner.words().Load(field_);
  Status status = Check(owner, flag, code);
  if (status != Status::kOk || code == index) return status;
  INLAY_TEST_POINT("keyed_assign.checked");
  status = Reference(index);
  if (status != Status::kOk) return status;
  INLAY_TEST_POINT("keyed_assign.referenced");
  return PublishIndex(owner, index, flag);
}

// Stores an index in the owner. Consumes the caller's reference. The swap fails if the owner is
// marked as closed after the check, by a bit of the same word.
Status KeyedIndexMap::PublishIndex(const OwnerRef& owner, ValueIndex index,
                                   UpdateFlag flag) noexcept {
  return owner.words().Visit(field_, [&](auto& word) {
    auto seen = word.load(std::memory_order_acquire);
    for (;;) {
      const uint32_t code = ExtractCode(seen, field_);
      const Status status = Check(owner, flag, code);
      if (status != Status::kOk || code == index) {
        keys_->Release(index);
        return status;
      }
      INLAY_TEST_POINT("keyed_publish.checked");
      if (word.compare_exchange_strong(seen, ReplaceCode(seen, field_, index),
                                       std::memory_order_acq_rel, std::memory_order_acquire)) {
        if (code == kAbsentCode) store_.Record(owner, true);
        if (code != kAbsentCode) keys_->Release(code);
        return Status::kOk;
      }
    }
  });
}

Status KeyedIndexMap::DeleteKey(const OwnerRef& owner) noexcept {
  if (!owner.words().Holds(field_)) return Status::kInvalid;
  const uint32_t code = owner.words().Exchange(field_, kAbsentCode);
  if (code == kAbsentCode) return Status::kNotFound;
  store_.Record(owner, false);
  keys_->Release(code);
  return Status::kOk;
}

void KeyedIndexMap::ReleaseCode(const OwnerRef& /*owner*/, uint32_t code) noexcept {
  keys_->Release(code);
}

Status KeyedIndexMap::CloneValue(const OwnerRef& parent, const OwnerRef& child) noexcept {
  if (!options_.clone) return Status::kOk;
  if (parent.IsClosed(closed_) || child.IsClosed(closed_)) return Status::kNotFound;
  if (!parent.words().Holds(field_)) return Status::kOk;
  const ReadSection section;
  uint32_t code = parent.words().Load(field_);
  for (;;) {
    if (code == kAbsentCode) return Status::kOk;
    if (!child.words().Holds(field_)) return Status::kInvalid;
    INLAY_TEST_POINT("keyed_clone.parent_read");
    if (keys_->TryRef(code)) [[likely]]
      break;
    // The parent has another key by now, or the count is at its limit.
    if (parent.words().Load(field_) == code) return CountNoMemory(Status::kNoMemory);
    code = parent.words().Load(field_);
  }
  if (child.words().StoreInNewOwner(field_, code)) [[likely]] {
    store_.Record(child, true);
    return Status::kOk;
  }
  return PublishIndex(child, code, UpdateFlag::kAny);
}

// --- the whole map

void KeyedIndexMap::ForEach(FunctionRef<void(std::span<const std::byte> key,
                                             std::span<const std::byte> value, uint32_t holders)>
                                visit) const {
  keys_->ForEach([&](ValueIndex index, std::span<const std::byte> key, uint32_t count) {
    const std::byte* const value = values_[index].load(std::memory_order_acquire);
    if (value != nullptr) {
      visit(key, {value, options_.value_bytes}, std::max(count, 1U) - 1);  // without the map's own
    } else if (count > 0) {
      visit(key, {}, count);
    }
  });
}

// Under the mutex no place gets a value. A key beyond the highest index that the table has used is
// new: its place is null, and no reader looks at it but a search that finds it just now.
size_t KeyedIndexMap::TrimMemory() noexcept {
  RetireBarrier();  // first: values that wait for readers need not wait longer than this
  size_t bytes = keys_->Trim();
  {
    MutexLock lock(&state_->mutex);
    const uint32_t used = keys_->max_values() - keys_->counts().never_used;
    const uint32_t charged = state_->charged_places;
    if (charged > used) {
      bytes += state_->places.Drop(State::PlaceBytes(used + 1), State::PlaceBytes(charged + 1));
      state_->account->Uncharge(State::PlaceBytes(charged - used));
      state_->charged_places = used;
    }
  }
  RetireBarrier();  // the old array of the hash index
  return bytes;
}

}  // namespace inlay
