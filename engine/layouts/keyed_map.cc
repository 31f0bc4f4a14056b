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
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "engine/memory/address_range.h"
#include "engine/memory/allocate.h"
#include "engine/sync/inline_read_section.h"
#include "engine/sync/mutex.h"
#include "engine/sync/one_writer.h"
#include "engine/sync/test_point.h"
#include "inlay/rcu.h"
#include "inlay/store_report.h"

namespace inlay {
namespace {

using ValuePlace = std::atomic<const std::byte*>;
static_assert(sizeof(ValuePlace) == sizeof(void*) && ValuePlace::is_always_lock_free);

}  // namespace

struct KeyedIndexMap::State {
  // What the values of a map have in common. Freed after the last of them.
  struct Shape {
    explicit Shape(Account* parent)
        : pending(AccountOptions{.name = "pending", .parent = parent}) {}
    static void Free(RcuHead* head) {
      static_assert(offsetof(Shape, rcu_head) == 0);
      delete reinterpret_cast<Shape*>(head);
    }

    RcuHead rcu_head = {};
    uint32_t offset_bytes = 0;  // of the value, from its header
    uint32_t alignment = 0;
    size_t malloc_bytes = 0;
    Account pending;  // of what waits for readers: this map's part of its parent
  };
  // In front of a value's bytes.
  struct Header {
    static void Free(Header* header) {
      const uint32_t alignment = header->shape->alignment;
      header->~Header();
      FreeBytes(header, alignment);
    }
    // After a grace period.
    static void Reclaim(RcuHead* head) {
      static_assert(offsetof(Header, rcu_head) == 0);
      auto* const header = reinterpret_cast<Header*>(head);
      header->shape->pending.Uncharge(header->shape->malloc_bytes);
      Free(header);
    }
    // Frees a new value that no key got.
    struct Delete {
      void operator()(Header* header) const { Free(header); }
    };

    RcuHead rcu_head;
    Shape* shape;
  };

  ~State() {
    if (shape != nullptr) Retire<Shape::Free>(&shape->rcu_head);  // after all values
  }

  Header* HeaderOf(const std::byte* value) const {
    return reinterpret_cast<Header*>(const_cast<std::byte*>(value) - shape->offset_bytes);
  }
  std::unique_ptr<Header, Header::Delete> TryCopy(std::span<const std::byte> value) const {
    void* const room = TryAllocateBytes(shape->offset_bytes + value.size(), shape->alignment);
    if (room == nullptr) return nullptr;
    std::memcpy(static_cast<std::byte*>(room) + shape->offset_bytes, value.data(), value.size());
    return std::unique_ptr<Header, Header::Delete>(new (room) Header{{}, shape});
  }
  // The bytes of places up to that of `index`; the place of the code 0 counts as none.
  static size_t PlaceBytes(uint32_t index) { return index * sizeof(ValuePlace); }

  Shape* shape = nullptr;
  Account* account = nullptr;  // pays for keys, places and values
  AddressRange places;
  Mutex mutex;
  // Threads change these under the mutex. Any thread may read them.
  OneWriter<uint32_t> values;
  OneWriter<uint32_t> charged_places;  // places up to this index are charged
  OneWriter<uint64_t> replaced;
  OneWriter<uint64_t> erased;
  std::atomic<uint64_t> no_indexes{0};
  std::atomic<uint64_t> account_limit{0};
  std::atomic<uint64_t> pending_limit{0};
  std::atomic<uint64_t> no_memory{0};
};

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
    : store_(store), options_(options) {}

Status KeyedIndexMap::MakeTable(uint32_t key_bytes) noexcept {
  state_ = TryNew<State>();
  if (state_ == nullptr) return Status::kNoMemory;
  Account* const own = options_.account;
  state_->account = own != nullptr ? own : &store_.account();
  std::unique_ptr<State::Shape> shape =
      TryNew<State::Shape>(own != nullptr ? own : &store_.pending_account());
  if (shape == nullptr) return Status::kNoMemory;
  shape->alignment = std::max<uint32_t>(options_.alignment, alignof(State::Header));
  // The header, and what the value's alignment adds to it.
  shape->offset_bytes = static_cast<uint32_t>((sizeof(State::Header) + shape->alignment - 1) /
                                              shape->alignment * shape->alignment);
  shape->malloc_bytes = MallocBytes(shape->offset_bytes + options_.value_bytes);
  state_->shape = shape.release();
  // Zeroes are null. The system gives memory to the pages that are used.
  const size_t bytes = (size_t{field_.mask()} + 1) * sizeof(ValuePlace);
  if (!state_->places.Reserve(bytes) || !state_->places.Commit(bytes)) return Status::kNoMemory;
  values_ = reinterpret_cast<ValuePlace*>(state_->places.base());
  ValueTableOptions table_options;
  table_options.value_bytes = key_bytes;
  table_options.max_values = field_.max_index();
  table_options.account = state_->account;
  table_options.pending = &state_->shape->pending;
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
    State::Header::Free(state_->HeaderOf(value));
    state_->account->Uncharge(state_->shape->malloc_bytes);
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
  Account& account = *state_->account;
  Account& pending = state_->shape->pending;
  Account* const own = options_.account;
  const Status no_room_to_wait = own != nullptr ? Status::kAccountLimit : Status::kPendingLimit;
  const size_t bytes = state_->shape->malloc_bytes;
  auto fresh = state_->TryCopy(value);
  if (fresh == nullptr) return Status::kNoMemory;
  const std::byte* old = nullptr;
  {
    MutexLock lock(&state_->mutex);
    old = values_[index].load(std::memory_order_relaxed);
    if (old != nullptr) {
      // The new value takes the old one's place in the account.
      if (own != nullptr && !own->HasRoomFor(bytes)) return Status::kAccountLimit;  // notes who
      if (!pending.Charge(bytes)) return no_room_to_wait;
      ++state_->replaced;
    } else {
      // It will wait for readers one day. In one account for both, that is the next charge.
      if (own == nullptr && !pending.HasRoomFor(bytes)) return Status::kPendingLimit;
      const uint32_t charged = state_->charged_places;
      const uint32_t places = std::max(charged, index) - charged;
      if (!account.Charge(bytes + State::PlaceBytes(places))) return Status::kAccountLimit;
      if (!keys_->TryRef(index)) {  // the count is at its limit
        account.Uncharge(bytes + State::PlaceBytes(places));
        return Status::kNoMemory;
      }
      state_->charged_places += places;
      ++state_->values;
    }
    const auto* const header = reinterpret_cast<const std::byte*>(fresh.release());
    values_[index].store(header + state_->shape->offset_bytes, std::memory_order_release);
  }
  if (old != nullptr) Retire<State::Header::Reclaim>(&state_->HeaderOf(old)->rcu_head);
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
  state_->account->Uncharge(state_->shape->malloc_bytes);
  state_->shape->pending.ChargeBeyondLimit(state_->shape->malloc_bytes);
  Retire<State::Header::Reclaim>(&state_->HeaderOf(old)->rcu_head);
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
    counter.fetch_add(1, std::memory_order_relaxed);
  };
  if (IsNoMemory(status)) count(state_->no_memory);
  if (status == Status::kNoIndexes) count(state_->no_indexes);
  if (status == Status::kAccountLimit) count(state_->account_limit);
  if (status == Status::kPendingLimit) count(state_->pending_limit);
  return status;
}

// --- owners

namespace {

Status CheckKeyFlag(const OwnerRef& owner, UpdateFlag flag, uint32_t code) {
  if (code == kAbsentCode && owner.dying()) return Status::kNotFound;
  return CheckUpdateFlag(flag, code != kAbsentCode);
}

}  // namespace

Status KeyedIndexMap::AssignKey(const OwnerRef& owner, std::span<const std::byte> key,
                                UpdateFlag flag) noexcept {
  if (key.size() != key_bytes() || !owner.words().Holds(field_)) return Status::kInvalid;
  const InlineReadSection section;
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
  Status status = CheckKeyFlag(owner, flag, code);
  if (status != Status::kOk || code == index) return status;
  INLAY_TEST_POINT("keyed_assign.checked");
  status = Reference(index);
  if (status != Status::kOk) return status;
  INLAY_TEST_POINT("keyed_assign.referenced");
  return PublishIndex(owner, index, flag);
}

// Stores an index in the owner. Consumes the caller's reference.
Status KeyedIndexMap::PublishIndex(const OwnerRef& owner, ValueIndex index,
                                   UpdateFlag flag) noexcept {
  uint32_t code = owner.words().Load(field_);
  for (;;) {
    const Status status = CheckKeyFlag(owner, flag, code);
    if (status != Status::kOk || code == index) {
      keys_->Release(index);
      return status;
    }
    if (owner.words().CompareExchange(field_, &code, index)) {
      if (code != kAbsentCode) keys_->Release(code);
      return Status::kOk;
    }
  }
}

Status KeyedIndexMap::DeleteKey(const OwnerRef& owner) noexcept {
  if (!owner.words().Holds(field_)) return Status::kInvalid;
  const uint32_t code = owner.words().Exchange(field_, kAbsentCode);
  if (code == kAbsentCode) return Status::kNotFound;
  keys_->Release(code);
  return Status::kOk;
}

void KeyedIndexMap::ReleaseCode(const OwnerRef& /*owner*/, uint32_t code) noexcept {
  keys_->Release(code);
}

Status KeyedIndexMap::CloneValue(const OwnerRef& parent, const OwnerRef& child) noexcept {
  if (!options_.clone || !parent.words().Holds(field_)) return Status::kOk;
  const InlineReadSection section;
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
  if (child.words().StoreInNewOwner(field_, code)) [[likely]]
    return Status::kOk;
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
  report->is_interned = true;
  report->value_bytes = options_.value_bytes;
  report->memory = memory_usage();
  report->width_bits = field_.width_bits;
  report->indexes = field_.max_index();
  const ValueTableCounts counts = keys_->counts();
  report->live = counts.live;
  report->unreferenced = counts.unreferenced;
  report->retired = counts.retired;
  report->free = counts.free + counts.never_used;
  report->added = counts.reclaimed + counts.live + counts.unreferenced;
  report->pending_bytes = state_->shape->pending.used_bytes();
  report->ladder.reclaimed = counts.reclaimed;
  report->ladder.no_indexes = state_->no_indexes.load(std::memory_order_relaxed);
  report->ladder.account_limit = state_->account_limit.load(std::memory_order_relaxed);
  report->ladder.pending_limit = state_->pending_limit.load(std::memory_order_relaxed);
  report->ladder.no_memory = state_->no_memory.load(std::memory_order_relaxed);
}

MemoryUsage KeyedIndexMap::memory_usage() const {
  MemoryUsage usage = keys_->memory_usage();
  const uint32_t places = state_->charged_places;
  usage.table_bytes += state_->values * state_->shape->malloc_bytes + State::PlaceBytes(places);
  if (places > 0) {
    usage.slack_bytes += PageRoundUp(State::PlaceBytes(places + 1)) - State::PlaceBytes(places);
  }
  usage.inline_bytes += store_.InlineBytes(field_);
  return usage;
}

uint64_t KeyedIndexMap::codes() const noexcept {
  if (keys_ == nullptr) return 0;  // Create() failed
  return keys_->total_references() - keys_->open_refs() - state_->values;
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
