// Store: what the index maps of one kind of owner share. It hands out the bits of the owners'
// inline words, limits what the tables may take, and does to all maps of an owner at once what
// happens to owners: close, and clone on accept.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_STORE_H_
#define INLAY_STORE_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "inlay/function_ref.h"
#include "inlay/inline_words.h"
#include "inlay/local_storage.h"
#include "inlay/memory_usage.h"
#include "inlay/status.h"

namespace inlay {

// An owner as the engine sees it: made from any InlineOwner. Two more things about an owner are
// used if it has them: `StorageSlot& storage_slot()`, where its private values go, and `bool
// is_dying()`, which forbids new values.
class OwnerRef {
 public:
  template <InlineOwner O>
  explicit OwnerRef(O& owner) noexcept : words_(owner.inline_words()) {
    if constexpr (requires {
                    { owner.storage_slot() } -> std::same_as<StorageSlot&>;
                  }) {
      slot_ = &owner.storage_slot();
    }
    if constexpr (requires {
                    { owner.is_dying() } -> std::convertible_to<bool>;
                  }) {
      // Asked when it matters: what says so may be in a cache line that a write does not need.
      owner_ = &owner;
      is_dying_ = [](const void* of) { return bool{static_cast<const O*>(of)->is_dying()}; };
    }
  }

  const InlineWordsRef& words() const { return words_; }
  StorageSlot* storage_slot() const { return slot_; }
  bool dying() const { return is_dying_ != nullptr && is_dying_(owner_); }

 private:
  InlineWordsRef words_;
  StorageSlot* slot_ = nullptr;
  const void* owner_ = nullptr;
  bool (*is_dying_)(const void* owner) = nullptr;
};

// All owners of a store, for those who can enumerate them. With it the bits of a freed map come
// back at once; without it they come back as the owners that still hold its codes are closed.
class OwnerPopulation {
 public:
  // Calls `visit` for every owner that exists for the whole call; owners that come or go meanwhile
  // may be left out. An owner must not be freed before `visit` returns.
  virtual void ForEachOwner(FunctionRef<void(const OwnerRef& owner)> visit) = 0;
  virtual size_t owners() const = 0;

 protected:
  ~OwnerPopulation() = default;
};

struct StoreOptions {
  uint32_t reserved_bits = 16;  // of each owner: 0, 16, 32, or a multiple of 64
  // The size of the words that the owners embed: 16, 32 or 64; 0 = what `reserved_bits` implies. An
  // owner may embed larger words than it reserves.
  uint32_t word_bits = 0;
  size_t table_limit_bytes = Account::kUnlimited;  // of all maps' tables together
  // Where spilled values go, and the values of maps that have fallen back to the pointer layout.
  // The store closes and clones its owners' slots too. If set, every owner must have a
  // storage_slot(); one that has none gets kNoMemory instead.
  LocalStorageDomain* private_values = nullptr;
  OwnerPopulation* population = nullptr;  // null: owners cannot be enumerated
};

// A map as its store sees it. Implemented by IndexMap.
class StoreMap {
 public:
  // Drops the reference, or the private value, that `code` stood for in the owner; the field has
  // been emptied.
  virtual void ReleaseCode(const OwnerRef& owner, uint32_t code) noexcept = 0;
  // Gives the child the parent's value if the map has the clone flag.
  virtual Status CloneValue(const OwnerRef& parent, const OwnerRef& child) noexcept = 0;
  // Codes in all owners.
  virtual uint64_t codes() const noexcept = 0;
  // Compares the codes found in owners, `counted[code]` times each, with the counts in the table.
  virtual bool CheckCodes(const uint64_t* counted, std::string* reason) const = 0;

 protected:
  ~StoreMap() = default;
};

class Store {
 public:
  // kInvalid: no such sizes; kNoMemory. *store unchanged on failure.
  static Status Create(const StoreOptions& options, std::unique_ptr<Store>* store) noexcept;
  // REQUIRES: no map of the store is left.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Releases all values of an owner that is going away: every field reads absent afterwards.
  // REQUIRES: nobody creates a value in this owner any more. Concurrent gets keep what they found.
  // Reader section: not needed, allowed.
  template <InlineOwner O>
  void Close(O& owner) noexcept {
    CloseOwner(OwnerRef(owner));
  }

  // Gives `child` the values of `parent` in all maps with the clone flag. kNoMemory: some value
  // could not be given; then the child has none.
  // REQUIRES: the child is new, nobody else sees it.
  // Reader section: not needed, allowed.
  template <InlineOwner O>
  Status Clone(O& parent, O& child) noexcept {
    return CloneOwner(OwnerRef(parent), OwnerRef(child));
  }

  // Compares every table's counts with the codes in the owners (guarantee V3). Can only look into
  // owners that it can enumerate; without a population it returns true.
  // REQUIRES: no concurrent change of owners and values.
  bool CheckInvariants(std::string* reason) const;

  const StoreOptions& options() const { return options_; }
  Account& account() { return account_; }

  // --- for maps

  // Reserves a field of `width_bits` for `map`. kInvalid: width not 1 .. 16; kNoMemory: not that
  // many bits are free.
  // Reader section: REQUIRES none (may wait for a grace period).
  Status Register(StoreMap* map, uint32_t width_bits, InlineField* field) noexcept;
  // Detaches the map and empties its field in all owners; from then on the store does not touch it.
  // The bits are handed out again when no owner holds an old code any more.
  // Reader section: REQUIRES none (waits for a grace period).
  void Unregister(StoreMap* map) noexcept;
  // What the field's share of the reservation amounts to over all owners: maps share the reserved
  // bits, used or not, in proportion to their widths (those of freed maps count until they come
  // back). 0 without a population: then nobody knows how many owners there are.
  size_t InlineBytes(InlineField field) const;

 private:
  struct State;
  struct Entry;

  Store(const StoreOptions& options, std::unique_ptr<State> state);

  StorageSlot* PrivateSlot(const OwnerRef& owner) const noexcept;
  void CloseOwner(const OwnerRef& owner) noexcept;
  Status CloneOwner(const OwnerRef& parent, const OwnerRef& child) noexcept;
  void ClearDeadField(Entry& entry, const OwnerRef& owner) noexcept;
  void TakeFromDead(Entry& entry, int64_t codes) noexcept;

  const StoreOptions options_;
  Account account_;
  std::unique_ptr<State> state_;
};

}  // namespace inlay

#endif  // INLAY_STORE_H_
