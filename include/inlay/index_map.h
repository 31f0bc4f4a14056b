// IndexMap: a value per owner, stored as an index of 2 to 16 bits inside the owner. The index names
// the value in a table that all owners share. SharedMap<T> (shared_map.h) is the typed form.
//
// emulated/value_map.h says what each operation does in each state. This layout differs in these
// points:
//   - The bytes are shared: Get() is const, Update() replaces, Modify() copies.
//   - At most 2^width - 2 values have an index at a time. A new value without one climbs this
//     *overflow ladder*:
//       1. Reclaim: values that no owner uses give up their indexes, after a grace period.
//       2. Spill: this owner gets a private value, in its `storage_pointer()` as in the pointer
//          layout, or else in a side table keyed by the owner's address.
//       3. kNoMemory: no room there either. Nothing changed. Below, kNoMemory stands for every
//          status with IsNoMemory(), which says what the reason is.
//     stats() counts each rung. A spilled owner *comes home* to the table as soon as that has an
//     index: by its next Update() or Modify(), by BringHome(), or in the background
//     (MapOptions::background).
//   - A map *falls back* to the pointer layout for all its values if no bits are free, or if its
//     values hold a lock (MapOptions::spin_lock). The owners need storage pointers for that. See
//     is_interned().
//   - With MapOptions::replaceable, Replace() and ReplaceAll() change a value for all its owners in
//     one step, and nothing spills or falls back.
//   - SocketTable charges a socket for its reserved bits, once, when it makes the socket. A private
//     value is charged to the owner as in the pointer layout, but replacing one needs no second
//     charge. The table is charged to the map's account (MapOptions::account), or to the store's.
//
// W2  Get() takes no lock, stores nothing to shared memory and allocates nothing. (If the map has
//     fallen back, emulated/pointer_map.h applies.) For absent and interned values it is wait-free:
//     one load from the owner, and arithmetic. For a spilled value it retries while writers of the
//     same owner, or a side table that grows or shrinks, move the value. After many retries it
//     tries the owner's lock, and never waits for it, to tell an owner that has lost its private
//     value (IndexMapStats::missing_private). That reads as absent, or fails an assertion.
//
// Thread-safety: all functions may run concurrently, except the destructors. Writes to one owner
// are linearizable. A replacement is a write to all owners of a value. An Update() to that value,
// or a Modify() of it, that is under way meanwhile may take effect before the replacement or after
// it: the owner then has the new value or the written one.

#ifndef INLAY_INDEX_MAP_H_
#define INLAY_INDEX_MAP_H_

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "inlay/export.h"
#include "inlay/function_ref.h"
#include "inlay/index_map_stats.h"
#include "inlay/inline_words.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"
#include "inlay/store.h"
#include "inlay/store_report.h"
#include "inlay/value_table.h"

namespace inlay {

class PrivateValues;

class IndexMap final : private RegisteredMap {
 public:
  static constexpr uint32_t kMinWidthBits = 2;
  // How many owners GetMany() prefetches together: a few more misses than a core can have
  // outstanding.
  static constexpr size_t kGetAtOnce = 32;

  // Makes a map and reserves options.width_bits in the store's owners. Fails as CheckMapOptions().
  // kInvalid: the width is not 2 .. 16, or the values hold a lock and the owners have no storage
  // pointers or options.field or options.replaceable is set. kNoBits: no free field and no storage
  // pointers; options.field or options.replaceable is set and no such field is free. kAccountLimit.
  // kNoMemory. On failure *map is unchanged.
  // Reader section: REQUIRES none (may wait for a grace period).
  INLAY_API static Status Create(Store& store, const MapOptions& options,
                                 std::unique_ptr<IndexMap>* map) noexcept;
  template <HasStore Owners>
  static Status Create(Owners& owners, const MapOptions& options,
                       std::unique_ptr<IndexMap>* map) noexcept {
    return Create(owners.store(), options, map);
  }

  // Frees the map. Its value is absent in all owners from then on, and the bits return to the store
  // (see OwnerPopulation).
  // REQUIRES: no concurrent use of this map. Other threads may close owners meanwhile.
  // Reader section: REQUIRES none (waits for a grace period).
  INLAY_API ~IndexMap();
  IndexMap(const IndexMap&) = delete;
  IndexMap& operator=(const IndexMap&) = delete;

  // The value, or null if absent: also if the owner embeds fewer words than the store reserves, and
  // the map's field is not in them. Guarantee W2. `section` is an open reader section of this
  // thread; one that would end with the call does not compile.
  // Reader section: `section`. Pointer valid until: its end. Ordering: acquire.
  template <InlineOwner O>
  const std::byte* Get(const ReadSection& /*section*/, const O& owner) const noexcept {
    return Get(owner);
  }
  template <InlineOwner O>
  const std::byte* Get(ReadSection&&, const O&) const = delete;

  // The same, for callers that have the section elsewhere: the compiler cannot check that there is
  // one. A build with assertions does.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  template <InlineOwner O>
  const std::byte* Get(const O& owner) const noexcept {
    assert(InReadSection());
    if (!owner.inline_words().Reaches(field_end_bits_)) [[unlikely]]
      return nullptr;
    const uint32_t code = owner.inline_words().Load(field_, mask_);
    // One comparison excludes absent, which wraps around, and spilled, which is the highest index +
    // 1; and all codes of a replaceable map.
    if (code - 1 < plain_indexes_) [[likely]] {
      return values_ + static_cast<size_t>(code) * stride_bytes_;
    }
    if (code == kAbsentCode) {
      if (pointer_ == nullptr) return nullptr;
      return GetFromPointer(OwnerRef(const_cast<O&>(owner)));
    }
    if (replacement_offset_ != 0) {
      return ValueTable::CurrentAt(values_ + code * stride_bytes_ + replacement_offset_);
    }
    return GetPrivate(OwnerRef(const_cast<O&>(owner)));
  }

  // As Get(), for callers that know the field and the stride of the table at compile time.
  // REQUIRES: options().field is kField, table().stride_bytes() is kStrideBytes, and the map is not
  // replaceable.
  template <InlineField kField, size_t kStrideBytes, InlineOwner O>
  const std::byte* GetAt(const O& owner) const noexcept {
    using Words = std::remove_cvref_t<decltype(owner.inline_words())>;
    static_assert(
        kField.word < Words::kWords && kField.shift + kField.width_bits <= Words::kWordBits,
        "the field does not lie in the words that this owner embeds");
    assert(InReadSection());
    assert(replacement_offset_ == 0);
    const uint32_t code = owner.inline_words().Load(kField);
    if (code - 1 < kField.max_index()) [[likely]]
      return values_ + size_t{code} * kStrideBytes;
    return code == kAbsentCode ? nullptr : GetPrivate(OwnerRef(const_cast<O&>(owner)));
  }

  // Copies the value to `value`, in a reader section of its own. kNotFound: absent. kInvalid: wrong
  // size. On failure `value` is unchanged. Reader section: not needed, allowed. Ordering: acquire.
  template <InlineOwner O>
  Status Load(const O& owner, std::span<std::byte> value) const noexcept {
    if (value.size() != options_.value_bytes) return Status::kInvalid;
    const ReadSection section;
    const std::byte* const found = Get(section, owner);
    if (found == nullptr) return Status::kNotFound;
    std::memcpy(value.data(), found, value.size());
    return Status::kOk;
  }

  // Sets found[i] to Get(*owners[i]) for every i. Prefetches owners and values, so that the cache
  // misses of different owners overlap. On cached data a loop over Get() is as fast.
  // REQUIRES: found.size() >= owners.size().
  // Reader section: required. Pointers valid until: the end of the section. Ordering: acquire.
  template <InlineOwner O>
  void GetMany(std::span<O* const> owners, std::span<const std::byte*> found) const noexcept {
    using Words = std::remove_cvref_t<decltype(owners[0]->inline_words())>;
    if constexpr (requires { Words::kWords; }) {
      if (!Words::Reaches(field_end_bits_)) [[unlikely]] {
        std::fill_n(found.begin(), owners.size(), nullptr);
        return;
      }
    }
    for (size_t first = 0; first < owners.size(); first += kGetAtOnce) {
      const size_t end = std::min(owners.size(), first + kGetAtOnce);
      for (size_t i = first; i < end; ++i) owners[i]->inline_words().Prefetch(field_);
      for (size_t i = first; i < end; ++i) {
        found[i] = Get(*owners[i]);
        __builtin_prefetch(found[i]);
      }
    }
  }

  // The value. If absent, first creates it from `init`, or from zeroes if `init` is empty. Null on
  // failure; *status, if given, then says why. kNoMemory. kInvalid: wrong size. kNotFound: the
  // owner is dying, or closed.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acq_rel.
  template <InlineOwner O>
  const std::byte* GetOrCreate(O& owner, std::span<const std::byte> init,
                               Status* status = nullptr) noexcept {
    return GetOrCreateValue(OwnerRef(owner), init, status);
  }

  // Creates or replaces the value. kExists, kNotFound: `flag` does not allow it. kNotFound: also if
  // the value is absent and the owner is dying, or closed (StoreOptions::mark_closed). kInvalid:
  // wrong size, or the owner embeds fewer words than the store reserves, and the map's field is not
  // in them. kNoMemory.
  // Reader section: not needed, allowed. Ordering: release.
  template <InlineOwner O>
  Status Update(O& owner, std::span<const std::byte> value, UpdateFlag flag) noexcept {
    return UpdateValue(OwnerRef(owner), value, flag);
  }

  // Interns `value` and stores a reference to it in *ref, to give it to owners by Assign(). While
  // the reference is open, the value keeps its index, also if no owner has it. kUnsupported: the
  // map has fallen back. Fails as ValueTable::Intern(); on failure *ref is unchanged.
  // REQUIRES: *ref is released before the map is freed. Reader section: not needed, allowed.
  INLAY_API Status Intern(std::span<const std::byte> value, ValueRef* ref) noexcept;

  // Update() to the value that `ref` refers to, without a hash or a search: one count and one
  // compare-and-swap. Allocates nothing, unless the value's count is at its limit. Fails as
  // Update(). kInvalid: also if `ref` is empty, or refers to a value of another map.
  // Reader section: not needed, allowed. Ordering: release.
  template <InlineOwner O>
  Status Assign(O& owner, const ValueRef& ref, UpdateFlag flag = UpdateFlag::kAny) noexcept {
    return AssignRef(OwnerRef(owner), ref, flag);
  }

  // Runs `modify` on a copy of the value and replaces the value by the result, atomically. Runs it
  // again on a new copy if another writer of this owner was first. kNotFound: absent. kNoMemory.
  // Reader section: not needed, allowed. Ordering: acq_rel.
  template <InlineOwner O>
  Status Modify(O& owner, ModifyFn modify) noexcept {
    return ModifyValue(OwnerRef(owner), modify);
  }

  // Deletes the value. kNotFound: absent. Readers may see the old value until their sections end.
  // Reader section: not needed, allowed. Ordering: release.
  template <InlineOwner O>
  Status Delete(O& owner) noexcept {
    return DeleteValue(OwnerRef(owner));
  }

  // Gives `child` the value of `parent` if the map has the clone flag and the value exists;
  // otherwise does nothing. kNoMemory. kNotFound: one of them is marked as closed
  // (StoreOptions::mark_closed).
  // REQUIRES: the child is new and no other thread sees it.
  // Reader section: not needed, allowed. Ordering: acq_rel.
  template <InlineOwner O>
  Status Clone(O& parent, O& child) noexcept {
    return CloneValue(OwnerRef(parent), OwnerRef(child));
  }

  // Gives every owner of the value `from` the value `to`, at once, in the same time for any number
  // of owners; and every ValueRef. As ValueTable::Replace(), which says what readers see.
  // kUnsupported: options().replaceable is not set.
  // Reader section: not needed, allowed. Ordering: release.
  Status Replace(std::span<const std::byte> from, std::span<const std::byte> to) noexcept {
    return is_interned() ? CountReplaced(table_->Replace(from, to)) : Status::kUnsupported;
  }
  // Calls `change` once for each value that owners have, and replaces it by the result. As
  // ValueTable::ReplaceAll(). kUnsupported: options().replaceable is not set.
  // Reader section: not needed, allowed. Ordering: release.
  Status ReplaceAll(FunctionRef<bool(std::span<std::byte> value)> change,
                    uint32_t* replaced = nullptr) noexcept {
    if (is_interned()) return CountReplaced(table_->ReplaceAll(change, replaced));
    if (replaced != nullptr) *replaced = 0;
    return Status::kUnsupported;
  }

  // Makes room in the table for `new_values` values besides those that owners have, so that a
  // reload with so many new values spills no owner. Fails as ValueTable::EnsureRoom(). kOk if the
  // map does not intern its values. Reader section: REQUIRES none (may wait for grace periods).
  Status EnsureRoom(uint32_t new_values) noexcept {
    return is_interned() ? table_->EnsureRoom(new_values) : Status::kOk;
  }

  // Looks at up to `most_owners` spilled owners, and gives those an index whose private value the
  // table holds or has room for; retires unreferenced values if it has none. Goes on where the last
  // call ended. Their values stay the same, and pointers to them valid. Returns how many came home.
  // Of owners with storage pointers it finds only those of a store with a population, and walks
  // over all of that. An owner may be closed meanwhile.
  // Reader section: not needed, allowed.
  INLAY_API size_t BringHome(size_t most_owners) noexcept;

  // Retires the values that no owner uses and waits until their indexes are reusable. Returns how
  // many.
  // Reader section: REQUIRES none (waits for a grace period).
  uint32_t Reclaim() noexcept { return is_interned() ? table_->ReclaimAndWait() : 0; }

  // Gives memory back to the system after a burst, as ValueTable::Trim(), and buckets of the side
  // table of spilled values. Their values themselves went back to malloc() as they were freed.
  // Returns how many bytes. Store::Trim() does it for all maps, and for the storage pointers'
  // memory.
  // Reader section: REQUIRES none (waits for grace periods).
  size_t Trim() noexcept { return TrimMemory(); }

  const MapOptions& options() const { return options_; }
  uint32_t value_bytes() const { return options_.value_bytes; }
  // Whether the map interns its values. If not, it has fallen back. Constant.
  bool is_interned() const { return pointer_ == nullptr; }
  // All zeroes if !is_interned().
  InlineField field() const { return field_; }
  // The interned values, to iterate over and to inspect.
  // REQUIRES: is_interned().
  const ValueTable& table() const { return *table_; }
  // All zeroes if !is_interned(). Takes no lock; says as much of one moment as ValueTable::stats(),
  // which it calls. Store::Report() has all but the probes, at the cost of a few loads.
  // Reader section: not needed, allowed.
  INLAY_API IndexMapStats stats() const;
  // Takes no lock that writers take. Reader section: not needed, allowed.
  INLAY_API MemoryUsage memory_usage() const;
  // Checks V1..V4 as far as the map can see them; Store::CheckInvariants() also recounts the
  // owners.
  // REQUIRES: no concurrent writer.
  INLAY_API bool CheckInvariants(std::string* reason) const;

 private:
  IndexMap(Store& store, const MapOptions& options);
  // Create() completes a map with a field by MakeTable(), and one without by FallBack(), which
  // returns `reason` if the owners have no storage pointers.
  Status MakeTable() noexcept;
  Status FallBack(Status reason) noexcept;
  Status StartHomecoming() noexcept;
  void StopHomecoming() noexcept;

  const std::byte* FindPrivate(const OwnerRef& owner, uint32_t* code) const noexcept;
  INLAY_API const std::byte* GetPrivate(const OwnerRef& owner) const noexcept;
  bool LacksPrivate(const OwnerRef& owner) const noexcept;
  void NoteMissingPrivate() const noexcept;
  INLAY_API const std::byte* GetFromPointer(const OwnerRef& owner) const noexcept;
  const std::byte* CreateInPointer(const OwnerRef& owner, std::span<const std::byte> init,
                                   Status* status) noexcept;
  Status CheckForPointer(const OwnerRef& owner, size_t bytes) const noexcept;
  const std::byte* GetValue(const OwnerRef& owner) const noexcept;
  INLAY_API const std::byte* GetOrCreateValue(const OwnerRef& owner,
                                              std::span<const std::byte> init,
                                              Status* status) noexcept;
  INLAY_API Status UpdateValue(const OwnerRef& owner, std::span<const std::byte> value,
                               UpdateFlag flag) noexcept;
  INLAY_API Status AssignRef(const OwnerRef& owner, const ValueRef& ref, UpdateFlag flag) noexcept;
  INLAY_API Status ModifyValue(const OwnerRef& owner, ModifyFn modify) noexcept;
  INLAY_API Status DeleteValue(const OwnerRef& owner) noexcept;

  // The state that an owner must be in for a write to take effect.
  struct Expectation;
  Status Publish(const OwnerRef& owner, std::span<const std::byte> value,
                 const Expectation& expectation) noexcept;
  Status PublishIndex(const OwnerRef& owner, ValueIndex index,
                      const Expectation& expectation) noexcept;
  Status PublishIndexOverPrivate(const OwnerRef& owner, ValueIndex index,
                                 const Expectation& expectation, uint32_t* code) noexcept;
  friend struct IndexMapAccess;
  Status PublishReference(const OwnerRef& owner, ValueIndex index) noexcept;
  Status Spill(const OwnerRef& owner, std::span<const std::byte> value,
               const Expectation& expectation) noexcept;
  Status CountNoMemory(Status reason) noexcept;
  INLAY_API Status CountReplaced(Status status) noexcept;
  // After Intern() has failed with `reason`: spills, or refuses if the map is replaceable.
  Status Overflow(const OwnerRef& owner, std::span<const std::byte> value,
                  const Expectation& expectation, Status reason) noexcept;
  Status InternOrCount(std::span<const std::byte> value, ValueIndex* index) noexcept;
  void RemovePrivate(const OwnerRef& owner) noexcept;

  struct HomeWalk;
  void BringOneHome(const OwnerRef& owner, HomeWalk* walk) noexcept;
  HomeWalk WalkHome(size_t most_owners) noexcept;
  void BringHomeInBackground() noexcept;
  void WatchSpilled() noexcept;

  // RegisteredMap
  void ReleaseCode(const OwnerRef& owner, uint32_t code) noexcept override;
  INLAY_API Status CloneValue(const OwnerRef& parent, const OwnerRef& child) noexcept override;
  Status PrepareMove(const OwnerRef& from, const OwnerRef& to) noexcept override;
  void AbandonMove(const OwnerRef& to) noexcept override;
  void CodeMoved(const OwnerRef& from, const OwnerRef& to, uint32_t code) noexcept override;
  INLAY_API size_t TrimMemory() noexcept override;
  uint64_t codes() const noexcept override;
  bool CheckCodes(const uint64_t* counted, std::string* reason) const override;
  void Describe(MapReport* report) const override;
  OverflowCounters Ladder(uint64_t reclaimed) const;

  // Get() reads these. Constant after Create().
  InlineField field_;
  uint32_t plain_indexes_ = 0;  // how many, or 0 if the map is replaceable
  uint32_t replacement_offset_ = 0;
  uint32_t mask_ = 0;            // field_.mask()
  uint32_t field_end_bits_ = 0;  // field_.end_bits()
  const std::byte* values_ = nullptr;
  size_t stride_bytes_ = 0;
  std::unique_ptr<LocalStorageMap> pointer_;  // set if the map has fallen back
  const InlineField closed_;                  // Store::closed_field()

  Store& store_;
  const MapOptions options_;
  std::unique_ptr<ValueTable> table_;
  std::unique_ptr<PrivateValues> private_values_;
  struct Homecoming;
  std::unique_ptr<Homecoming> homecoming_;  // null: not in the background
  std::atomic<uint64_t> no_indexes_{0};
  std::atomic<uint64_t> account_limit_{0};
  std::atomic<uint64_t> spilled_{0};
  std::atomic<uint64_t> spilled_now_{0};
  std::atomic<uint64_t> no_memory_{0};
  std::atomic<uint64_t> spill_limit_{0};
  std::atomic<uint64_t> pending_limit_{0};
  std::atomic<uint64_t> failed_account_limit_{0};
  std::atomic<uint64_t> failed_no_indexes_{0};
  std::atomic<uint64_t> brought_home_{0};
  mutable std::atomic<uint64_t> missing_private_{0};
};

}  // namespace inlay

#endif  // INLAY_INDEX_MAP_H_
