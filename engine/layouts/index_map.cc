#include "inlay/index_map.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "engine/layouts/homecoming.h"
#include "engine/layouts/index_map_expectation.h"
#include "engine/layouts/private_values.h"
#include "engine/memory/allocate.h"
#include "engine/memory/value_bytes.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

// So often a get looks for a private value in vain before it asks whether there is one. Each time
// another writer has made progress meanwhile, so that a get seldom comes so far.
constexpr uint32_t kLooksBeforeDoubt = 64;

}  // namespace

Status IndexMap::Create(Store& store, const MapOptions& options,
                        std::unique_ptr<IndexMap>* map) noexcept {
  const uint32_t max_alignment =
      store.options().private_values != nullptr ? kStorageAlignment : kMaxAlignment;
  if (const Status status = CheckMapOptions(options, max_alignment); status != Status::kOk) {
    return status;
  }
  const InlineField* const place = options.field.has_value() ? &*options.field : nullptr;
  const uint32_t width_bits = place != nullptr ? place->width_bits : options.width_bits;
  if (width_bits < kMinWidthBits || width_bits > InlineField::kMaxWidthBits ||
      (options.spin_lock && (place != nullptr || options.replaceable))) {
    return Status::kInvalid;
  }
  if (!AllocationAllowed()) return Status::kNoMemory;
  std::unique_ptr<IndexMap> made;
  try {
    made.reset(new IndexMap(store, options));
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  // Values without a field, or with a lock, cannot be interned.
  const Status registered = options.spin_lock
                                ? Status::kInvalid
                                : store.Register(made.get(), width_bits, &made->field_, place);
  // A map that must have this field would be read wrongly without it.
  // One that must be replaceable would not be.
  const bool may_fall_back = place == nullptr && !options.replaceable;
  const Status status = registered == Status::kOk ? made->MakeTable()
                        : may_fall_back           ? made->FallBack(registered)
                                                  : registered;
  if (status != Status::kOk) return status;
  store.Show(made.get());
  *map = std::move(made);
  return Status::kOk;
}

IndexMap::IndexMap(Store& store, const MapOptions& options)
    : closed_(store.closed_field()), store_(store), options_(options) {}

Status IndexMap::MakeTable() noexcept {
  ValueTableOptions table_options;
  table_options.value_bytes = options_.value_bytes;
  table_options.max_values = field_.max_index();
  table_options.alignment = options_.alignment;
  Account* const own = options_.account;
  table_options.account = own != nullptr ? own : &store_.account();
  table_options.pending = own != nullptr ? own : &store_.pending_account();
  table_options.background = options_.background;
  table_options.replaceable = options_.replaceable;
  const Status status = ValueTable::Create(table_options, &table_);
  if (status != Status::kOk) return status;
  mask_ = field_.mask();
  field_end_bits_ = field_.end_bits();
  values_ = table_->base();
  stride_bytes_ = table_->stride_bytes();
  replacement_offset_ = table_->replacement_offset_bytes();
  plain_indexes_ = options_.replaceable ? 0 : field_.max_index();
  LocalStorageDomain* const domain = store_.options().private_values;
  private_values_ =
      domain != nullptr
          ? PrivateValues::BehindStoragePointers(*domain, options_)
          : PrivateValues::InSideTable(options_, own != nullptr ? own : &store_.spill_account(),
                                       table_options.pending);
  if (private_values_ == nullptr) return Status::kNoMemory;
  const bool spills_at_home = domain == nullptr && !options_.replaceable;
  return spills_at_home && options_.background ? StartHomecoming() : Status::kOk;
}

Status IndexMap::FallBack(Status reason) noexcept {
  LocalStorageDomain* const domain = store_.options().private_values;
  return domain != nullptr ? LocalStorageMap::Create(*domain, options_, &pointer_) : reason;
}

IndexMap::~IndexMap() {
  assert((table_ == nullptr || table_->open_refs() == 0) && "a reference outlives its map");
  store_.Hide(this);
  StopHomecoming();
  // Waits for a grace period: no reader has a pointer into the table afterwards.
  if (field_ != InlineField{}) store_.Unregister(this);
}

// --- reading

// The owner's private value, if its code names that; null if the code is another one, *code.
//
// A private value may be there before its code, or without: a writer stores the value first, and
// may lose the swap of the code. If the value is the same before and after the load of the code,
// the code named it: its memory is not reused in this section. IsStillThere() looks only at the
// place where the value was. A place that holds a value's address says that it is the owner's value
// at that moment: whoever replaces, removes or moves it changes the place before other writers of
// the owner can go on.
const std::byte* IndexMap::FindPrivate(const OwnerRef& owner, uint32_t* code) const noexcept {
  for (uint32_t look = 1;; ++look) {
    INLAY_TEST_POINT("find_private.begins");
    const PrivateValues::Seen seen = private_values_->Look(owner);
    INLAY_TEST_POINT("find_private.value_read");
    *code = owner.words().Load(field_);
    if (*code != field_.spilled_code()) return nullptr;
    if (seen.value != nullptr && private_values_->IsStillThere(owner, seen)) return seen.value;
    if (look % kLooksBeforeDoubt == 0 && LacksPrivate(owner)) {
      *code = kAbsentCode;
      return nullptr;
    }
  }
}

const std::byte* IndexMap::GetPrivate(const OwnerRef& owner) const noexcept {
  uint32_t code = kAbsentCode;
  const std::byte* const value = FindPrivate(owner, &code);
  if (value != nullptr) return value;
  return code == kAbsentCode ? nullptr : table_->At(code);
}

const std::byte* IndexMap::GetFromPointer(const OwnerRef& owner) const noexcept {
  const StoragePointer* const slot = owner.storage_pointer();
  return slot != nullptr ? pointer_->Get(*slot) : nullptr;
}

const std::byte* IndexMap::GetValue(const OwnerRef& owner) const noexcept {
  assert(InReadSection());
  if (pointer_ != nullptr) return GetFromPointer(owner);
  const uint32_t code = owner.words().Load(field_);
  if (code == kAbsentCode) return nullptr;
  return code == field_.spilled_code() ? GetPrivate(owner) : table_->At(code);
}

const std::byte* IndexMap::GetOrCreateValue(const OwnerRef& owner, std::span<const std::byte> init,
                                            Status* status) noexcept {
  Status ignored = Status::kOk;
  Status& result = status != nullptr ? *status : ignored;
  if (!owner.words().Holds(field_)) {
    result = Status::kInvalid;
    return nullptr;
  }
  for (;;) {
    result = Status::kOk;
    if (const std::byte* const value = GetValue(owner)) return value;
    if (pointer_ != nullptr) return CreateInPointer(owner, init, &result);
    const Expectation absent{.flag = UpdateFlag::kNoExist};
    if (init.empty()) {
      const ValueBuffer zeroes(options_.value_bytes);
      result = zeroes.bytes().empty() ? CountNoMemory(Status::kNoMemory)
                                      : Publish(owner, zeroes.bytes(), absent);
    } else {
      result = Publish(owner, init, absent);
    }
    // kExists: another thread was first; return its value.
    if (result != Status::kOk && result != Status::kExists) return nullptr;
  }
}

// --- writing

// The checks of a map that has fallen back, before it calls the pointer layout.
Status IndexMap::CheckForPointer(const OwnerRef& owner, size_t bytes) const noexcept {
  if (bytes != options_.value_bytes) return Status::kInvalid;
  if (owner.IsGone(closed_)) return Status::kNotFound;
  return owner.storage_pointer() != nullptr ? Status::kOk : Status::kNoMemory;
}

const std::byte* IndexMap::CreateInPointer(const OwnerRef& owner, std::span<const std::byte> init,
                                           Status* status) noexcept {
  *status = CheckForPointer(owner, init.empty() ? options_.value_bytes : init.size());
  if (*status != Status::kOk) return nullptr;
  return pointer_->GetOrCreate(*owner.storage_pointer(), init, status);
}

// Stores an index in the owner. Consumes the caller's reference: the owner gets it, or it is
// released if the owner is not as expected.
Status IndexMap::PublishIndex(const OwnerRef& owner, ValueIndex index,
                              const Expectation& expectation) noexcept {
  return owner.words().Visit(field_, [&](auto& word) {
    auto seen = word.load(std::memory_order_acquire);
    for (;;) {
      uint32_t code = ExtractCode(seen, field_);
      Status status = expectation.Check(*this, owner, code);
      if (status == Status::kOk && code == field_.spilled_code()) [[unlikely]] {
        status = PublishIndexOverPrivate(owner, index, expectation, &code);
        if (status == Status::kOk) return status;
        if (code != field_.spilled_code()) {
          seen = word.load(std::memory_order_acquire);
          continue;
        }
      }
      if (status != Status::kOk || code == index) {
        table_->Release(index);
        return status;
      }
      INLAY_TEST_POINT("publish.checked");
      // Fails if the owner is marked as closed after the check, by a bit of the same word.
      if (word.compare_exchange_strong(seen, ReplaceCode(seen, field_, index),
                                       std::memory_order_acq_rel, std::memory_order_acquire)) {
        if (code == kAbsentCode) store_.Record(owner, true);
        if (code != kAbsentCode) table_->Release(code);
        return Status::kOk;
      }
    }
  });
}

Status IndexMap::PublishReference(const OwnerRef& owner, ValueIndex index) noexcept {
  return PublishIndex(owner, index, {});
}

// PublishIndex() for an owner with a private value. Unless kOk, *code is the current code; if that
// is still the spilled one, kAgain: the private value is not the expected one.
Status IndexMap::PublishIndexOverPrivate(const OwnerRef& owner, ValueIndex index,
                                         const Expectation& expectation, uint32_t* code) noexcept {
  const ReadSection section;  // the search passes values of other owners and maps
  MutexLock lock(&private_values_->LockOf(owner));
  if (!expectation.CheckPrivate(private_values_->Get(owner))) return Status::kAgain;
  INLAY_TEST_POINT("publish.private_checked");
  if (!owner.words().CompareExchange(field_, code, index)) return Status::kAgain;
  // Last, so that a reader that saw the old code finds the private value or sees the new code.
  RemovePrivate(owner);
  return Status::kOk;
}

// The second rung of the overflow ladder: gives the owner a private value.
Status IndexMap::Spill(const OwnerRef& owner, std::span<const std::byte> value,
                       const Expectation& expectation) noexcept {
  const InlineWordsRef& words = owner.words();
  const uint32_t spilled = field_.spilled_code();
  ReadSection section;
  MutexLock lock(&private_values_->LockOf(owner));
  uint32_t code = words.Load(field_);
  Status status = expectation.Check(*this, owner, code);
  if (status != Status::kOk) return status;
  if (code == spilled && !expectation.CheckPrivate(private_values_->Get(owner))) {
    return Status::kAgain;
  }
  // First, so that a reader that sees the code finds the value.
  status = private_values_->Put(owner, value);
  if (status != Status::kOk) return IsNoMemory(status) ? CountNoMemory(status) : status;
  INLAY_TEST_POINT("spill.private_put");
  // Under the lock the code cannot change to or from the spilled one, but indexes may come and go.
  // Check after each load, since a swap that fails may have met the mark of a closed owner.
  if (code != spilled) {
    status = words.Visit(field_, [&](auto& word) {
      auto seen = word.load(std::memory_order_acquire);
      Status expected = Status::kOk;
      do {
        code = ExtractCode(seen, field_);
        expected = expectation.Check(*this, owner, code);
      } while (expected == Status::kOk &&
               !word.compare_exchange_weak(seen, ReplaceCode(seen, field_, spilled),
                                           std::memory_order_acq_rel, std::memory_order_acquire));
      return expected;
    });
    if (status != Status::kOk) {
      private_values_->Remove(owner);
      return status;
    }
  }
  if (code != spilled) {
    spilled_now_.fetch_add(1, std::memory_order_seq_cst);
    WatchSpilled();
  }
  if (code != kAbsentCode && code != spilled) table_->Release(code);
  if (code == kAbsentCode) store_.Record(owner, true);
  spilled_.fetch_add(1, std::memory_order_relaxed);
  return Status::kOk;
}

Status IndexMap::Publish(const OwnerRef& owner, std::span<const std::byte> value,
                         const Expectation& expectation) noexcept {
  if (value.size() != options_.value_bytes) return Status::kInvalid;
  ValueIndex index = kNoIndex;
  const Status status = InternOrCount(value, &index);
  return status == Status::kOk ? PublishIndex(owner, index, expectation)
                               : Overflow(owner, value, expectation, status);
}

Status IndexMap::Overflow(const OwnerRef& owner, std::span<const std::byte> value,
                          const Expectation& expectation, Status reason) noexcept {
  if (!options_.replaceable) return Spill(owner, value, expectation);
  const Status status = expectation.Check(*this, owner, owner.words().Load(field_));
  return status == Status::kOk ? CountNoMemory(reason) : status;
}

Status IndexMap::CountReplaced(Status status) noexcept {
  if (status == Status::kAccountLimit) account_limit_.fetch_add(1, std::memory_order_relaxed);
  return IsNoMemory(status) ? CountNoMemory(status) : status;
}

// Check first: a failing update skips the hash, and loading `dying` overlaps other misses. If the
// word is unchanged after Intern(), the check of the flag still holds. Check `dying` again, since
// the owner may have died while Intern() waited for the table's mutex.
Status IndexMap::UpdateValue(const OwnerRef& owner, std::span<const std::byte> value,
                             UpdateFlag flag) noexcept {
  if (pointer_ != nullptr) [[unlikely]] {
    const Status status = CheckForPointer(owner, value.size());
    return status == Status::kOk ? pointer_->Update(*owner.storage_pointer(), value, flag) : status;
  }
  const InlineField field = field_;
  if (value.size() != options_.value_bytes || !owner.words().Holds(field)) return Status::kInvalid;
  return owner.words().Visit(field, [&](auto& word) {
    auto seen = word.load(std::memory_order_acquire);
    const uint32_t code = ExtractCode(seen, field);
    const Status status = CheckUpdateFlag(flag, code != kAbsentCode);
    if (status != Status::kOk) return status;
    if (code == kAbsentCode && owner.IsGone(closed_)) return Status::kNotFound;
    ValueIndex index = kNoIndex;
    const Status interned = InternOrCount(value, &index);
    if (interned != Status::kOk) [[unlikely]] {
      return Overflow(owner, value, {.flag = flag}, interned);
    }
    INLAY_TEST_POINT("update.interned");
    if (code == field.spilled_code() || code == index ||
        (code == kAbsentCode && owner.IsGone(closed_)) ||
        !word.compare_exchange_strong(seen, ReplaceCode(seen, field, index),
                                      std::memory_order_acq_rel, std::memory_order_relaxed))
        [[unlikely]] {
      return PublishIndex(owner, index, {.flag = flag});
    }
    if (code == kAbsentCode) store_.Record(owner, true);
    if (code != kAbsentCode) table_->Release(code);
    return Status::kOk;
  });
}

Status IndexMap::Intern(std::span<const std::byte> value, ValueRef* ref) noexcept {
  if (!is_interned()) return Status::kUnsupported;
  ValueIndex index = kNoIndex;
  const Status status = InternOrCount(value, &index);
  if (status == Status::kInvalid) return status;
  if (status != Status::kOk) return CountNoMemory(status);
  *ref = ValueRef::Adopt(table_.get(), index);
  return Status::kOk;
}

// Check first: an assignment that fails, or changes nothing, needs no count.
Status IndexMap::AssignRef(const OwnerRef& owner, const ValueRef& ref, UpdateFlag flag) noexcept {
  if (!ref.IsOf(table_.get()) || !owner.words().Holds(field_)) return Status::kInvalid;
  const Expectation expectation{.flag = flag};
  const uint32_t code = owner.words().Load(field_);
  const Status status = expectation.Check(*this, owner, code);
  if (status != Status::kOk || code == ref.index()) return status;
  if (!table_->TryRef(ref.index())) [[unlikely]] {
    const ReadSection section;  // for the bytes
    return Overflow(owner, ref.bytes(), expectation,
                    Status::kNoMemory);  // the count is at its limit
  }
  INLAY_TEST_POINT("assign.referenced");
  return PublishIndex(owner, ref.index(), expectation);
}

Status IndexMap::ModifyValue(const OwnerRef& owner, ModifyFn modify) noexcept {
  if (pointer_ != nullptr) {
    return owner.storage_pointer() != nullptr ? pointer_->Modify(*owner.storage_pointer(), modify)
                                              : Status::kNotFound;
  }
  if (!owner.words().Holds(field_)) return Status::kInvalid;
  const ValueBuffer buffer(options_.value_bytes);
  if (buffer.bytes().empty()) return CountNoMemory(Status::kNoMemory);
  for (uint32_t missed = 0;; INLAY_TEST_POINT("modify.retries")) {
    // One section for each attempt: many retries must not keep all that is retired meanwhile.
    ReadSection section;
    Expectation expectation{.unchanged = true};
    expectation.code = owner.words().Load(field_);
    if (expectation.code == kAbsentCode) return Status::kNotFound;
    const std::byte* from = nullptr;
    if (expectation.code == field_.spilled_code()) {
      // Publish() detects if this is not the published value.
      from = expectation.private_value = private_values_->Get(owner);
      if (from == nullptr) {  // a writer has just moved it, or it is lost
        if (++missed % kLooksBeforeDoubt == 0 && LacksPrivate(owner)) return Status::kNotFound;
        continue;
      }
    } else {
      from = table_->At(expectation.code);
    }
    std::memcpy(buffer.bytes().data(), from, options_.value_bytes);
    modify(buffer.bytes());
    const Status status = Publish(owner, buffer.bytes(), expectation);
    if (status != Status::kAgain) return status;
  }
}

// The first rung of the overflow ladder.
Status IndexMap::InternOrCount(std::span<const std::byte> value, ValueIndex* index) noexcept {
  const Status status = table_->Intern(value, index);
  if (status == Status::kOk) [[likely]]
    return status;
  if (status == Status::kNoIndexes) no_indexes_.fetch_add(1, std::memory_order_relaxed);
  if (status == Status::kAccountLimit) account_limit_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

Status IndexMap::CountNoMemory(Status reason) noexcept {
  no_memory_.fetch_add(1, std::memory_order_relaxed);
  const auto count_if = [reason](Status of_these, std::atomic<uint64_t>& counter) {
    if (reason == of_these) counter.fetch_add(1, std::memory_order_release);
  };
  count_if(Status::kSpillLimit, spill_limit_);
  count_if(Status::kPendingLimit, pending_limit_);
  count_if(Status::kAccountLimit, failed_account_limit_);
  count_if(Status::kNoIndexes, failed_no_indexes_);
  return reason;
}

Status IndexMap::DeleteValue(const OwnerRef& owner) noexcept {
  if (pointer_ != nullptr) {
    return owner.storage_pointer() != nullptr ? pointer_->Delete(*owner.storage_pointer())
                                              : Status::kNotFound;
  }
  const InlineWordsRef& words = owner.words();
  if (!words.Holds(field_)) return Status::kInvalid;
  uint32_t code = words.Load(field_);
  for (;;) {
    if (code == kAbsentCode) return Status::kNotFound;
    if (code == field_.spilled_code()) {
      MutexLock lock(&private_values_->LockOf(owner));
      INLAY_TEST_POINT("delete.private_locked");
      if (!words.CompareExchange(field_, &code, kAbsentCode)) continue;
      RemovePrivate(owner);
      store_.Record(owner, false);
      return Status::kOk;
    }
    if (words.CompareExchange(field_, &code, kAbsentCode)) {
      store_.Record(owner, false);
      table_->Release(code);
      return Status::kOk;
    }
  }
}

// Removes the private value of an owner whose code has just changed from the spilled one.
void IndexMap::RemovePrivate(const OwnerRef& owner) noexcept {
  if (!private_values_->Remove(owner)) NoteMissingPrivate();
  spilled_now_.fetch_sub(1, std::memory_order_relaxed);
}

// --- closing and cloning owners

void IndexMap::ReleaseCode(const OwnerRef& owner, uint32_t code) noexcept {
  if (code == field_.spilled_code()) {
    MutexLock lock(&private_values_->LockOf(owner));
    RemovePrivate(owner);
  } else {
    table_->Release(code);
  }
}

Status IndexMap::CloneValue(const OwnerRef& parent, const OwnerRef& child) noexcept {
  if (!options_.clone) return Status::kOk;
  if (parent.IsClosed(closed_) || child.IsClosed(closed_)) return Status::kNotFound;
  const Expectation child_is_new{.may_be_dying = false};
  ReadSection section;
  if (pointer_ != nullptr) {
    const std::byte* const found = GetFromPointer(parent);
    if (found == nullptr) return Status::kOk;
    return UpdateValue(child, {found, options_.value_bytes}, UpdateFlag::kAny);
  }
  if (!parent.words().Holds(field_)) return Status::kOk;
  uint32_t code = parent.words().Load(field_);
  const std::byte* value = nullptr;
  if (code == field_.spilled_code()) {
    INLAY_TEST_POINT("clone.parent_spilled");
    value = FindPrivate(parent, &code);
  }
  if (value == nullptr) {
    if (code == kAbsentCode) return Status::kOk;
    if (!child.words().Holds(field_)) return Status::kInvalid;
    INLAY_TEST_POINT("clone.parent_read");
    if (table_->TryRef(code)) {
      if (child.words().StoreInNewOwner(field_, code)) [[likely]] {
        store_.Record(child, true);
        return Status::kOk;
      }
      return PublishIndex(child, code, child_is_new);
    }
    // The parent's value has changed and was reclaimed, or the count is at its limit. The bytes
    // stay readable in this section either way.
    value = table_->At(code);
  }
  if (!child.words().Holds(field_)) return Status::kInvalid;
  return Publish(child, {value, options_.value_bytes}, child_is_new);
}

// --- giving memory back

size_t IndexMap::TrimMemory() noexcept {
  // First: a private value that waits for readers need not wait longer than this.
  RetireBarrier();
  const size_t bytes = is_interned() ? table_->Trim() + private_values_->Trim() : 0;
  RetireBarrier();  // the old array of the hash index
  return bytes;
}

}  // namespace inlay
