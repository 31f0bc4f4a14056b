// KeyedMap<K, T>: values that have a key, such as the policy of a tenant. An owner holds the index
// of a key, in 2 to 16 bits; the key has a value, and Set() replaces it for all owners at once,
// however many they are.
//
//   std::unique_ptr<inlay::KeyedMap<TenantId, Policy>> policies;
//   inlay::KeyedMap<TenantId, Policy>::Create(*store, {.width_bits = 12}, &policies);
//   policies->Set(tenant, policy);
//   policies->Assign(connection, tenant);
//   policies->Set(tenant, new_policy);   // a reload: one pointer changes
//   {
//     inlay::ReadSection section;  // what Get() returns is valid until the section ends
//     const Policy* policy = policies->Get(section, connection);
//   }
//   store->Close(connection);   // before the connection is freed
//
// Beside IndexMap (index_map.h), which interns values without keys:
//   - A change of a key's value costs one copy and one pointer. In an IndexMap each owner changes.
//   - A get loads one more pointer, of an array that has 8 bytes for each key.
//   - Equal values of two keys are stored twice, and T may have padding: values are not compared.
//   - Nothing spills. A new key without a free index is refused with kNoIndexes.
//
// What readers see. A key has one value at a time, and a get loads its address from one place that
// all owners of the key share. So
//   - a value is whole, the old or the new one, and does not change until the section ends;
//   - once a thread has seen the new value through one owner of a key, it sees no older one through
//     any of them, nor does a thread that it has synchronised with. Two gets in one section may
//     show the old value first and then the new one;
//   - if one thread sets two keys, whoever sees the second change sees the first one too.
//
// The states of a key:
//
//   operation       | unknown                | has a value           | erased, but named
//   ----------------+------------------------+-----------------------+---------------------------
//   Set             | kOk: has a value       | kOk: replaced         | kOk: its owners show the
//                   |                        |                       | new value
//   Erase           | kNotFound              | kOk: erased           | kNotFound
//   Assign, Find    | kNotFound              | kOk                   | kNotFound
//   Get of an owner | (no owner names it)    | the value             | null
//   KeyOf an owner  | (no owner names it)    | the key               | the key
//
// An erased key is named as long as an owner has it or a KeyRef refers to it. Its index is used for
// another key only after that, and after a grace period, so that no reader sees the value of
// another key.
//
// The store's account pays for the keys, their values and the array; values that wait for readers
// count in its account of what is pending (StoreOptions::pending_limit_bytes). A value that
// replaces another one takes its place in the store's account, so a reload needs no room there.
// With an account of its own (MapOptions::account) the map charges all of this to that one; then a
// value that replaces another one needs room until the readers of the old one have left.
//
// Get() takes no lock, stores nothing to shared memory and is wait-free. Writers of values take the
// map's mutex, for a few instructions.
//
// Thread-safety: all functions may run concurrently, except the destructors. Writes to one owner
// are linearizable, and so are writes to the values of keys. An Assign() that runs during the
// Erase() of its key may end after it with kOk; the owner then names an erased key.

#ifndef INLAY_KEYED_MAP_H_
#define INLAY_KEYED_MAP_H_

#include <algorithm>
#include <atomic>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "inlay/export.h"
#include "inlay/function_ref.h"
#include "inlay/index_map.h"
#include "inlay/inline_words.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"
#include "inlay/store.h"
#include "inlay/value_table.h"

namespace inlay {

struct KeyedMapStats {
  ValueTableStats keys;    // the table of keys
  uint32_t values = 0;     // keys that have a value
  uint64_t replaced = 0;   // calls of Set() that replaced a value
  uint64_t erased = 0;     // keys that Erase() took the value from
  uint64_t no_memory = 0;  // operations that failed with IsNoMemory()
  // Of these:
  uint64_t no_indexes = 0;     // with kNoIndexes: no index for a new key, all were in use
  uint64_t account_limit = 0;  // with kAccountLimit
  uint64_t pending_limit = 0;  // with kPendingLimit
};

// A key of a keyed map. Operations that take it need not hash and search the key. Keeps the key's
// index, whether or not the key has a value. Movable, not copyable; Share() makes a second one. The
// destructor must run before the map is freed. Not thread-safe; different KeyRefs are independent.
class KeyRef {
 public:
  // Empty if this one is, or if the key is named 2^29 times.
  KeyRef Share() const noexcept {
    KeyRef second;
    second.key_ = key_.Share();
    return second;
  }
  void Reset() noexcept { key_.Reset(); }
  explicit operator bool() const noexcept { return static_cast<bool>(key_); }

 private:
  friend class KeyedIndexMap;
  ValueRef key_;
};

// A keyed map of bytes. KeyedMap<K, T> is the typed form.
class KeyedIndexMap final : private RegisteredMap {
 public:
  // Makes a map and reserves options.width_bits in the store's owners. kInvalid: key_bytes is 0,
  // the width is not 2 .. 16, or an option is out of range: see CheckMapOptions(), with an
  // alignment of up to kMaxAlignment; spin_lock is not supported. kTooBig: a size is larger than
  // kMaxValueBytes. kNoBits: no field is free; the map does not fall back. kAccountLimit.
  // kNoMemory. On failure *map is unchanged.
  // Reader section: REQUIRES none (may wait for a grace period).
  INLAY_API static Status Create(Store& store, uint32_t key_bytes, const MapOptions& options,
                                 std::unique_ptr<KeyedIndexMap>* map) noexcept;
  template <HasStore Owners>
  static Status Create(Owners& owners, uint32_t key_bytes, const MapOptions& options,
                       std::unique_ptr<KeyedIndexMap>* map) noexcept {
    return Create(owners.store(), key_bytes, options, map);
  }

  // Frees the map, its keys and its values. It is absent in all owners from then on, and the bits
  // return to the store (see OwnerPopulation).
  // REQUIRES: no concurrent use of this map, and no KeyRef is open. Other threads may close owners
  // meanwhile.
  // Reader section: REQUIRES none (waits for a grace period).
  INLAY_API ~KeyedIndexMap();
  KeyedIndexMap(const KeyedIndexMap&) = delete;
  KeyedIndexMap& operator=(const KeyedIndexMap&) = delete;

  // --- values of keys

  // Gives the key a value, or replaces the one it has, for all owners that name the key, at one
  // moment. Stores a reference to the key in *ref, if given. Takes the same time for any number of
  // owners, and waits for no reader.
  // kInvalid: wrong size. kNoIndexes: the key is new and every index is in use or waits for a grace
  // period (see EnsureRoom()). kAccountLimit. kPendingLimit. kNoMemory. On failure the key has the
  // value it had, and *ref is unchanged.
  // Reader section: not needed, allowed. Ordering: release.
  INLAY_API Status Set(std::span<const std::byte> key, std::span<const std::byte> value,
                       KeyRef* ref = nullptr) noexcept;
  // The same without a search. kInvalid: also if `key` is empty or of another map. Never
  // kNoIndexes.
  INLAY_API Status Set(const KeyRef& key, std::span<const std::byte> value) noexcept;

  // Takes the value from the key. Owners that name the key read null from then on, and keep the
  // key: a later Set() gives them its value. kNotFound: the key has no value. kInvalid: wrong size;
  // an empty reference, or one of another map.
  // Reader section: not needed, allowed. Ordering: release.
  INLAY_API Status Erase(std::span<const std::byte> key) noexcept;
  INLAY_API Status Erase(const KeyRef& key) noexcept;

  // Stores a reference to the key in *ref. kNotFound: the key has no value. kInvalid: wrong size.
  // kNoMemory: the key is named 2^29 times. On failure *ref is unchanged.
  // Reader section: not needed, allowed.
  INLAY_API Status Find(std::span<const std::byte> key, KeyRef* ref) noexcept;

  // The value of a key; null: it has none.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  INLAY_API const std::byte* ValueOf(std::span<const std::byte> key) const noexcept;

  // --- owners

  // The value of the owner's key. Null: the owner has no key, or its key has no value, or the owner
  // embeds fewer words than the store reserves, and the map's field is not in them. `section` is an
  // open reader section of this thread; one that would end with the call does not compile.
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
    // The place of the code 0, absent, is always null; and nothing spills.
    return values_[owner.inline_words().Load(field_, mask_)].load(std::memory_order_acquire);
  }

  // Copies the value to `value`, in a reader section of its own. kNotFound: Get() would be null.
  // kInvalid: wrong size. On failure `value` is unchanged.
  // Reader section: not needed, allowed. Ordering: acquire.
  template <InlineOwner O>
  Status Load(const O& owner, std::span<std::byte> value) const noexcept {
    if (value.size() != options_.value_bytes) return Status::kInvalid;
    const ReadSection section;
    const std::byte* const found = Get(section, owner);
    if (found == nullptr) return Status::kNotFound;
    std::memcpy(value.data(), found, value.size());
    return Status::kOk;
  }

  // The owner's key; null if it has none, or does not embed the map's field.
  // Reader section: required. Pointer valid until: the end of the section. Ordering: acquire.
  template <InlineOwner O>
  const std::byte* KeyOf(const O& owner) const noexcept {
    assert(InReadSection());
    if (!owner.inline_words().Reaches(field_end_bits_)) [[unlikely]]
      return nullptr;
    const uint32_t code = owner.inline_words().Load(field_, mask_);
    return code == kAbsentCode ? nullptr : keys_->At(code);
  }

  // Gives the owner a key that has a value. kNotFound: the key has none; or the owner has no key
  // and is dying, or closed (StoreOptions::mark_closed). kExists, kNotFound: `flag` does not allow
  // it; an owner is present if it has a key, erased or not. kInvalid: wrong size; an empty
  // reference, or one of another map; the owner does not embed the map's field. kNoMemory: the key
  // is named 2^29 times. Allocates nothing. By a reference: one count and one compare-and-swap, and
  // no search.
  // Reader section: not needed, allowed. Ordering: release.
  template <InlineOwner O>
  Status Assign(O& owner, std::span<const std::byte> key,
                UpdateFlag flag = UpdateFlag::kAny) noexcept {
    return AssignKey(OwnerRef(owner), key, flag);
  }
  template <InlineOwner O>
  Status Assign(O& owner, const KeyRef& key, UpdateFlag flag = UpdateFlag::kAny) noexcept {
    return AssignRef(OwnerRef(owner), key, flag);
  }

  // Takes the key from the owner. kNotFound: it has none. kInvalid: as Assign().
  // Reader section: not needed, allowed. Ordering: release.
  template <InlineOwner O>
  Status Delete(O& owner) noexcept {
    return DeleteKey(OwnerRef(owner));
  }

  // Gives `child` the key of `parent`, erased or not, if the map has the clone flag and the parent
  // has one; otherwise does nothing. kNoMemory: the key is named 2^29 times. kNotFound: one of them
  // is marked as closed (StoreOptions::mark_closed).
  // REQUIRES: the child is new and no other thread sees it.
  // Reader section: not needed, allowed. Ordering: acq_rel.
  template <InlineOwner O>
  Status Clone(O& parent, O& child) noexcept {
    return CloneValue(OwnerRef(parent), OwnerRef(child));
  }

  // --- the whole map

  // Calls `visit` for every key that has a value or is named, with its value, which is empty if it
  // has none, and how many owners and open KeyRefs name it. `visit` must not block. Each figure was
  // true at some moment during the call; exact while no other thread writes.
  // Reader section: not needed; the bytes are valid during the call of `visit`.
  INLAY_API void ForEach(FunctionRef<void(std::span<const std::byte> key,
                                          std::span<const std::byte> value, uint32_t holders)>
                             visit) const;

  // Makes room for `new_keys` keys besides those that have a value or are named. Fails as
  // ValueTable::EnsureRoom(). Reader section: REQUIRES none (may wait for grace periods).
  Status EnsureRoom(uint32_t new_keys) noexcept { return keys_->EnsureRoom(new_keys); }
  // Retires the keys that have no value and that nobody names, and waits until their indexes are
  // reusable. Returns how many. Set() and the library's thread do the same in time, as for values
  // of an IndexMap. Reader section: REQUIRES none (waits for a grace period).
  uint32_t Reclaim() noexcept { return keys_->ReclaimAndWait(); }
  // Gives memory back to the system after a burst, as ValueTable::Trim(), and the end of the array
  // of values. Returns how many bytes. Reader section: REQUIRES none (waits for grace periods).
  size_t Trim() noexcept { return TrimMemory(); }

  const MapOptions& options() const { return options_; }
  uint32_t key_bytes() const { return keys_->value_bytes(); }
  uint32_t value_bytes() const { return options_.value_bytes; }
  InlineField field() const { return field_; }
  // The table of keys, to inspect.
  const ValueTable& keys() const { return *keys_; }
  // Takes no lock; says as much of one moment as ValueTable::stats().
  // Reader section: not needed, allowed.
  INLAY_API KeyedMapStats stats() const;
  // Takes no lock. Reader section: not needed, allowed.
  INLAY_API MemoryUsage memory_usage() const;
  // Checks V1..V4 of the table of keys, and the values against it; Store::CheckInvariants() also
  // recounts the owners. REQUIRES: no concurrent writer.
  INLAY_API bool CheckInvariants(std::string* reason) const;

 private:
  struct State;
  KeyedIndexMap(Store& store, const MapOptions& options);
  Status MakeTable(uint32_t key_bytes) noexcept;

  bool HasValue(ValueIndex index) const noexcept {
    return values_[index].load(std::memory_order_acquire) != nullptr;
  }
  // The index of a key that has a value. Reader section: required.
  ValueIndex FindSet(std::span<const std::byte> key) const noexcept;
  Status SetIndex(ValueIndex index, std::span<const std::byte> value) noexcept;
  Status EraseIndex(ValueIndex index) noexcept;
  Status Reference(ValueIndex index) noexcept;
  Status CountNoMemory(Status status) noexcept;
  INLAY_API Status AssignKey(const OwnerRef& owner, std::span<const std::byte> key,
                             UpdateFlag flag) noexcept;
  INLAY_API Status AssignRef(const OwnerRef& owner, const KeyRef& key, UpdateFlag flag) noexcept;
  Status AssignIndex(const OwnerRef& owner, ValueIndex index, UpdateFlag flag) noexcept;
  // Whether `flag`, and the owner's state, allow it to get a key if it has this code.
  Status Check(const OwnerRef& owner, UpdateFlag flag, uint32_t code) const noexcept;
  Status PublishIndex(const OwnerRef& owner, ValueIndex index, UpdateFlag flag) noexcept;
  INLAY_API Status DeleteKey(const OwnerRef& owner) noexcept;

  // RegisteredMap
  void ReleaseCode(const OwnerRef& owner, uint32_t code) noexcept override;
  INLAY_API Status CloneValue(const OwnerRef& parent, const OwnerRef& child) noexcept override;
  INLAY_API size_t TrimMemory() noexcept override;
  uint64_t codes() const noexcept override;
  bool CheckCodes(const uint64_t* counted, std::string* reason) const override;
  void Describe(MapReport* report) const override;

  // Get() reads these. Constant after Create().
  InlineField field_;
  uint32_t mask_ = 0;            // field_.mask()
  uint32_t field_end_bits_ = 0;  // field_.end_bits()
  // The value of each key, by the key's index. While it is not null, the map holds a reference to
  // the key, which therefore keeps its index.
  std::atomic<const std::byte*>* values_ = nullptr;

  const InlineField closed_;  // Store::closed_field()
  Store& store_;
  const MapOptions options_;
  std::unique_ptr<ValueTable> keys_;
  std::unique_ptr<State> state_;
};

// A KeyedIndexMap whose keys are objects of type K, and whose values are objects of type T.
// KeyedIndexMap documents the functions.
template <typename K, typename T>
class KeyedMap {
 public:
  static_assert(std::is_trivially_copyable_v<K> && std::has_unique_object_representations_v<K>,
                "KeyedMap<K, T>: K must be trivially copyable and have no padding or "
                "floating-point members, since equal keys must have equal bytes");
  static_assert(alignof(K) <= 8, "KeyedMap<K, T>: K must not need more than 8-byte alignment");
  static_assert(sizeof(K) <= kMaxValueBytes, "KeyedMap<K, T>: K is larger than kMaxValueBytes");
  static_assert(std::is_trivially_copyable_v<T>,
                "KeyedMap<K, T>: T must be trivially copyable: its bytes are copied, and freed "
                "without a destructor");
  static_assert(sizeof(T) <= kMaxValueBytes, "KeyedMap<K, T>: T is larger than kMaxValueBytes");
  static_assert(alignof(T) <= kMaxAlignment,
                "KeyedMap<K, T>: T must not need more alignment than kMaxAlignment");

  // As KeyedIndexMap::Create(). Sets value_bytes and alignment from T.
  template <typename Owners>
  static Status Create(Owners& owners, MapOptions options,
                       std::unique_ptr<KeyedMap>* map) noexcept {
    options.value_bytes = sizeof(T);
    options.alignment = std::max<uint32_t>(alignof(T), 8);
    std::unique_ptr<KeyedIndexMap> bytes;
    const Status status = KeyedIndexMap::Create(owners, sizeof(K), options, &bytes);
    if (status != Status::kOk) return status;
    KeyedMap* const made = new (std::nothrow) KeyedMap(std::move(bytes));
    if (made == nullptr) return Status::kNoMemory;
    map->reset(made);
    return Status::kOk;
  }

  Status Set(const K& key, const T& value, KeyRef* ref = nullptr) noexcept {
    return map_->Set(Bytes(key), Bytes(value), ref);
  }
  Status Set(const KeyRef& key, const T& value) noexcept { return map_->Set(key, Bytes(value)); }
  Status Erase(const K& key) noexcept { return map_->Erase(Bytes(key)); }
  Status Erase(const KeyRef& key) noexcept { return map_->Erase(key); }
  Status Find(const K& key, KeyRef* ref) noexcept { return map_->Find(Bytes(key), ref); }
  const T* ValueOf(const K& key) const noexcept {
    return reinterpret_cast<const T*>(map_->ValueOf(Bytes(key)));
  }

  template <InlineOwner O>
  const T* Get(const ReadSection& /*section*/, const O& owner) const noexcept {
    return Get(owner);
  }
  template <InlineOwner O>
  const T* Get(ReadSection&&, const O&) const = delete;
  template <InlineOwner O>
  const T* Get(const O& owner) const noexcept {
    return reinterpret_cast<const T*>(map_->Get(owner));
  }
  // A copy of the value, or nothing if Get() would be null. Needs no reader section.
  template <InlineOwner O>
  std::optional<T> Load(const O& owner) const noexcept {
    const ReadSection section;
    const T* const found = Get(section, owner);
    return found != nullptr ? std::optional<T>(*found) : std::nullopt;
  }
  template <InlineOwner O>
  const K* KeyOf(const O& owner) const noexcept {
    return reinterpret_cast<const K*>(map_->KeyOf(owner));
  }
  template <InlineOwner O>
  Status Assign(O& owner, const K& key, UpdateFlag flag = UpdateFlag::kAny) noexcept {
    return map_->Assign(owner, Bytes(key), flag);
  }
  template <InlineOwner O>
  Status Assign(O& owner, const KeyRef& key, UpdateFlag flag = UpdateFlag::kAny) noexcept {
    return map_->Assign(owner, key, flag);
  }
  template <InlineOwner O>
  Status Delete(O& owner) noexcept {
    return map_->Delete(owner);
  }
  template <InlineOwner O>
  Status Clone(O& parent, O& child) noexcept {
    return map_->Clone(parent, child);
  }

  // Calls visit(const K& key, const T* value, uint32_t holders).
  template <std::invocable<const K&, const T*, uint32_t> F>
  void ForEach(F&& visit) const {
    map_->ForEach(
        [&](std::span<const std::byte> key, std::span<const std::byte> value, uint32_t holders) {
          visit(*reinterpret_cast<const K*>(key.data()), reinterpret_cast<const T*>(value.data()),
                holders);
        });
  }

  Status EnsureRoom(uint32_t new_keys) noexcept { return map_->EnsureRoom(new_keys); }
  uint32_t Reclaim() noexcept { return map_->Reclaim(); }
  size_t Trim() noexcept { return map_->Trim(); }
  KeyedMapStats stats() const { return map_->stats(); }

  // The underlying map of bytes, for everything else that does not depend on K and T.
  KeyedIndexMap& bytes() { return *map_; }
  const KeyedIndexMap& bytes() const { return *map_; }

 private:
  explicit KeyedMap(std::unique_ptr<KeyedIndexMap> map) : map_(std::move(map)) {}

  template <typename U>
  static std::span<const std::byte> Bytes(const U& object) {
    return std::as_bytes(std::span<const U, 1>(&object, 1));
  }

  std::unique_ptr<KeyedIndexMap> map_;
};

}  // namespace inlay

#endif  // INLAY_KEYED_MAP_H_
