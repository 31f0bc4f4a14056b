// Store: shared by the index maps of one kind of owner. It hands out the bits of the owners' inline
// words, limits the memory of the tables, and closes and clones owners for all maps at once.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_STORE_H_
#define INLAY_STORE_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/export.h"
#include "inlay/function_ref.h"
#include "inlay/inline_words.h"
#include "inlay/local_storage.h"
#include "inlay/memory_usage.h"
#include "inlay/status.h"

namespace inlay {

struct MapReport;    // store_report.h
struct StoreReport;  // likewise

// An owner as the engine sees it, made from any InlineOwner. If the owner has `StoragePointer&
// storage_pointer()`, its private values go there. If it has `bool is_dying()`, that forbids new
// values.
class OwnerRef {
 public:
  template <InlineOwner O>
  explicit OwnerRef(O& owner) noexcept : words_(owner.inline_words()) {
    if constexpr (requires {
                    { owner.storage_pointer() } -> std::same_as<StoragePointer&>;
                  }) {
      slot_ = &owner.storage_pointer();
    }
    if constexpr (requires {
                    { owner.is_dying() } -> std::convertible_to<bool>;
                  }) {
      // Evaluated lazily: the flag may be on a cache line that writes do not touch.
      owner_ = &owner;
      is_dying_ = [](const void* of) { return bool{static_cast<const O*>(of)->is_dying()}; };
    }
  }

  // An owner of which only the words are known.
  explicit OwnerRef(const InlineWordsRef& words) noexcept : words_(words) {}

  const InlineWordsRef& words() const { return words_; }
  StoragePointer* storage_pointer() const { return slot_; }
  bool dying() const { return is_dying_ != nullptr && is_dying_(owner_); }
  // Whether it may have no first value any more: it is dying, or marked as closed. `closed` is
  // Store::closed_field().
  bool IsGone(InlineField closed) const { return dying() || IsClosed(closed); }
  // Whether it is marked as closed.
  bool IsClosed(InlineField closed) const {
    return closed.width_bits != 0 && words_.Holds(closed) && words_.Load(closed) != 0;
  }

 private:
  InlineWordsRef words_;
  StoragePointer* slot_ = nullptr;
  const void* owner_ = nullptr;
  bool (*is_dying_)(const void* owner) = nullptr;
};

// Enumerates all owners of a store. With it, the bits of a freed map are free again at once.
// Without it, they are free again when all owners that hold the map's codes have been closed.
class OwnerPopulation {
 public:
  // Calls `visit` for every owner that exists during the whole call; may skip owners that come or
  // go meanwhile. No owner may be freed before `visit` returns for it.
  virtual void ForEachOwner(FunctionRef<void(const OwnerRef& owner)> visit) = 0;
  virtual size_t owners() const = 0;

 protected:
  ~OwnerPopulation() = default;
};

struct StoreOptions {
  uint32_t reserved_bits = 16;  // in each owner: 0, 16, 32, or a multiple of 64
  // The size of the words that the owners embed: 16, 32 or 64; 0 = as `reserved_bits` implies.
  // Owners may embed larger words than they reserve.
  uint32_t word_bits = 0;
  // This and the next two are for maps without an account of their own (MapOptions::account).
  //
  // For the tables of all maps together: a map can learn from a refusal how much the others hold
  // (docs/design.md, S2).
  size_t table_limit_bytes = Account::kUnlimited;
  // For the private values of all maps together that are in a side table: those of owners without
  // storage pointers. Beyond it an operation that would spill fails with kSpillLimit. 0: none
  // spills.
  size_t spill_limit_bytes = Account::kUnlimited;
  // For what waits for readers: private values of owners without storage pointers that were
  // replaced or removed, and the old arrays of the tables' hash indexes. A reader that stays in its
  // section holds them all. While so many wait, an operation that would spill fails with
  // kPendingLimit.
  size_t pending_limit_bytes = Account::kUnlimited;
  // Holds spilled values and the values of maps that have fallen back. If set, the store also
  // closes and clones the owners' slots, and every owner must have a storage_pointer(); an owner
  // without one gets kNoMemory.
  LocalStorageDomain* private_values = nullptr;
  OwnerPopulation* population = nullptr;  // null: owners cannot be enumerated
  // The parent of the store's three accounts, "tables", "spills" and "pending". Must outlive the
  // store. Null: none.
  Account* account = nullptr;
  // A closed owner stays closed: Close() sets a bit of its words, and from then on creating a value
  // in it fails with kNotFound, as in an owner that is dying, until its words are constructed again
  // or Reopen() is called; so do Clone() and Move() of it and to it. Takes the last reserved bit of
  // the first word; an owner that embeds fewer bits is not marked. Without it, a value that is
  // created after Close() leaks. Owners that have is_dying() need it less.
  bool mark_closed = false;
  // To find owners that were freed without Close(): the store remembers the owners that have
  // values, and where each got its first one. See ForEachOpenOwner(). Gets cost nothing; a value in
  // an owner that had none, and its end, cost a lock, and the first one of an owner a walk over the
  // stack and about 250 bytes.
  bool record_owners = false;
};

// An owner that has values, as a store with StoreOptions::record_owners remembers it.
struct OpenOwner {
  const void* words = nullptr;  // the address of its inline words. The owner may be gone
  uint64_t values = 0;          // that it has, of maps with a field
  // Where it got its first value: return addresses, innermost first.
  std::span<void* const> call_site;
};

class RegisteredMap;

// A place in the list of maps that Store::Report() reports.
class ShownMap {
 private:
  friend class Store;
  RegisteredMap* next_shown_ = nullptr;
  uint64_t number_ = 0;
};

// A map as its store sees it. IndexMap implements it.
class RegisteredMap : public ShownMap {
 public:
  // Releases the reference or the private value that `code` stood for. The owner's field is absent
  // already.
  virtual void ReleaseCode(const OwnerRef& owner, uint32_t code) noexcept = 0;
  // Gives `child` the value of `parent` if the map has the clone flag.
  virtual Status CloneValue(const OwnerRef& parent, const OwnerRef& child) noexcept = 0;
  // An owner that has a code moves in memory, and the store moves the code. Before that: copies the
  // private value that is kept by the address of `from`, if there is one, for `to`. Nothing shows
  // the copy yet. kNoMemory, kPendingLimit, kAccountLimit.
  virtual Status PrepareMove(const OwnerRef& /*from*/, const OwnerRef& /*to*/) noexcept {
    return Status::kOk;
  }
  // Frees that copy, since the owner does not move. Does nothing if there is none.
  virtual void AbandonMove(const OwnerRef& /*to*/) noexcept {}
  // `to` has `code` now, which `from` had. Another than before if the library has brought the owner
  // home meanwhile.
  virtual void CodeMoved(const OwnerRef& /*from*/, const OwnerRef& /*to*/,
                         uint32_t /*code*/) noexcept {}
  // Gives memory back to the system. Returns how many bytes.
  virtual size_t TrimMemory() noexcept = 0;
  // The number of codes in all owners.
  virtual uint64_t codes() const noexcept = 0;
  // Compares the table's counts with the owners: `counted[code]` owners hold `code`.
  virtual bool CheckCodes(const uint64_t* counted, std::string* reason) const = 0;
  // Says what Store::Report() reports of a map that is shown, except its number and forecast. Takes
  // no lock that readers or writers of values take. Throws std::bad_alloc.
  virtual void Describe(MapReport* /*report*/) const {}

 protected:
  ~RegisteredMap() = default;
};

class Store {
 public:
  // kInvalid: a size is out of range, or mark_closed without a reserved bit. kNoMemory: no memory,
  // or no thread for grace periods (see StartReclaiming()). On failure *store is unchanged.
  INLAY_API static Status Create(const StoreOptions& options,
                                 std::unique_ptr<Store>* store) noexcept;
  // REQUIRES: all maps of the store are destroyed. If one is not, names it on standard error and
  // aborts, in every build: its destructor would use the freed store.
  INLAY_API ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Releases all values of an owner that will be freed. Every field is absent afterwards.
  // REQUIRES: no thread creates a value in this owner any more. A store that marks closed owners
  // (StoreOptions::mark_closed) refuses it afterwards; of a thread that creates one at this moment
  // only if the map's field is in the owner's first word. Concurrent gets stay valid until their
  // sections end.
  // Reader section: not needed, allowed.
  template <InlineOwner O>
  void Close(O& owner) noexcept {
    if (options_.mark_closed) MarkClosed(OwnerRef(owner), 1);
    CloseOwner(OwnerRef(owner));
  }

  // Lets a closed owner have values again, for owners that are used again without being
  // constructed. Does nothing if the store does not mark closed owners. Reader section: not needed,
  // allowed.
  template <InlineOwner O>
  void Reopen(O& owner) noexcept {
    if (options_.mark_closed) MarkClosed(OwnerRef(owner), 0);
  }

  // Gives `child` the values of `parent` in all maps with the clone flag; they may be of different
  // classes, such as a listener and a connection. kNoMemory: a value could not be copied; then the
  // child has no values. kNotFound: one of them is marked as closed (StoreOptions::mark_closed).
  // REQUIRES: the child is new and no other thread sees it.
  // Reader section: not needed, allowed.
  template <InlineOwner Parent, InlineOwner Child>
  Status Clone(Parent& parent, Child& child) noexcept {
    return CloneOwner(OwnerRef(parent), OwnerRef(child));
  }

  // Moves all values of `from` to `to`, another place in memory for the same owner, as when a table
  // of owners grows. Afterwards `from` has no values, as after Close(), and may be freed. Indexes
  // cost no allocation; a private value in a side table, which is kept by the owner's address, is
  // copied. kNoMemory, kPendingLimit, kAccountLimit: there is no room for the copy; nothing has
  // moved. kNotFound: one of them is marked as closed; likewise. memcpy() instead would lose those
  // values (IndexMapStats::missing_private). REQUIRES: `to` is new, no other thread sees it, and
  // none writes to `from` or closes it. If owners have storage pointers, BringHome() does not run
  // meanwhile. Gets of `from` may run: each finds the value or none. Reader section: not needed,
  // allowed.
  template <InlineOwner O>
  Status Move(O& from, O& to) noexcept {
    return MoveOwner(OwnerRef(from), OwnerRef(to));
  }

  // IndexMap::Trim() of all maps, and LocalStorageDomain::Trim() of private_values. Returns how
  // many bytes went back to the system.
  // REQUIRES: no map of the store is made or freed meanwhile.
  // Reader section: REQUIRES none (waits for grace periods).
  INLAY_API size_t Trim() noexcept;

  // What the store and its maps hold, and how long the indexes last at the rate since `earlier`, a
  // report of the same store, or null. Reads counters only: it takes no lock that readers or
  // writers of values take, and its time depends on the number of maps alone. Each figure was true
  // at some moment during the call. Throws std::bad_alloc.
  // Reader section: not needed, allowed.
  INLAY_API StoreReport Report(const StoreReport* earlier = nullptr) const;

  // Compares every table's counts with the codes in the owners (guarantee V3). Returns true without
  // a population, since it cannot enumerate the owners then.
  // REQUIRES: no concurrent change of owners or values.
  INLAY_API bool CheckInvariants(std::string* reason) const;

  // Calls `visit` for each owner that has values, in no order; for none without
  // StoreOptions::record_owners. After all owners are closed, what is left was forgotten. `visit`
  // must not change values of this store.
  // Reader section: not needed, allowed.
  INLAY_API void ForEachOpenOwner(FunctionRef<void(const OpenOwner& owner)> visit) const;
  // The same as text: the call sites with their owners, those with most owners first, at most so
  // many, with the names of functions as far as backtrace_symbols(3) knows them (-rdynamic).
  // Throws std::bad_alloc.
  INLAY_API std::string DescribeOpenOwners(size_t most_call_sites = 10) const;

  const StoreOptions& options() const { return options_; }
  // Of the tables of maps without an account of their own; limited by table_limit_bytes.
  Account& account() { return account_; }
  // Likewise: of private values in side tables, and of those that wait for readers. An operation
  // that is about to fail may be charged for a moment. Valid as long as the store.
  INLAY_API Account& spill_account();
  INLAY_API Account& pending_account();
  // What every owner takes for its codes, used or not. The store does not see owners come and go,
  // so whoever makes them charges this to the account of the owner: SocketTable to the socket,
  // once, and an embedder with `account.Charge(store.inline_bytes_per_owner())`, if that is not
  // part of what its owners are charged anyway.
  size_t inline_bytes_per_owner() const { return options_.reserved_bits / 8; }

  // --- for maps

  // Reserves a field of `width_bits` for `map`; if `place` is given, that one, of this width.
  // kInvalid: the width is not 1 .. 16. kNoBits: too few bits are free, or *place is not free.
  // Reader section: REQUIRES none (may wait for a grace period).
  INLAY_API Status Register(RegisteredMap* map, uint32_t width_bits, InlineField* field,
                            const InlineField* place = nullptr) noexcept;
  // Detaches the map and clears its field in all owners. The store does not call the map
  // afterwards, and reuses the bits when no owner holds an old code.
  // Reader section: REQUIRES none (waits for a grace period).
  INLAY_API void Unregister(RegisteredMap* map) noexcept;
  // Shows a complete map in reports, or no longer; Hide() allows a map that is not shown. The map
  // may have no field.
  // REQUIRES: Hide() before the map can describe itself no longer. Reader section: not needed.
  INLAY_API void Show(RegisteredMap* map) noexcept;
  INLAY_API void Hide(RegisteredMap* map) noexcept;
  // The owner has one value more, or one less.
  void Record(const OwnerRef& owner, bool more) noexcept {
    if (options_.record_owners) [[unlikely]]
      RecordValue(owner, more);
  }
  // The bit that marks a closed owner. Its width is 0 if the store marks none.
  InlineField closed_field() const { return closed_field_; }
  // The field's share of the reserved bytes of all owners. Maps share all reserved bits in
  // proportion to their widths; bits of freed maps count until they are reusable. 0 without a
  // population, since the number of owners is unknown.
  INLAY_API size_t InlineBytes(InlineField field) const;

 private:
  struct State;
  struct Entry;

  Store(const StoreOptions& options, std::unique_ptr<State> state);

  StoragePointer* PrivateSlot(const OwnerRef& owner) const noexcept;
  INLAY_API void RecordValue(const OwnerRef& owner, bool more) noexcept;
  INLAY_API void MarkClosed(const OwnerRef& owner, uint32_t mark) noexcept;
  INLAY_API void CloseOwner(const OwnerRef& owner) noexcept;
  INLAY_API Status CloneOwner(const OwnerRef& parent, const OwnerRef& child) noexcept;
  INLAY_API Status MoveOwner(const OwnerRef& from, const OwnerRef& to) noexcept;
  void ClearDeadField(Entry& entry, const OwnerRef& owner) noexcept;
  void TakeFromDead(Entry& entry, int64_t codes) noexcept;

  const StoreOptions options_;
  const InlineField closed_field_;
  Account account_;
  std::unique_ptr<State> state_;
};

// Anything with a store for its owners: a SocketTable, or an embedder's own class.
template <typename T>
concept HasStore = requires(T& owners) {
  { owners.store() } -> std::same_as<Store&>;
};

}  // namespace inlay

#endif  // INLAY_STORE_H_
