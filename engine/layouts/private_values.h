// PrivateValues: holds the values of owners that have spilled, for one index map.
//
// Thread-safety: Put(), PutMoved() and Remove() require LockOf(owner). All other functions may run
// concurrently.

#ifndef INLAY_ENGINE_LAYOUTS_PRIVATE_VALUES_H_
#define INLAY_ENGINE_LAYOUTS_PRIVATE_VALUES_H_

#include <cstddef>
#include <memory>
#include <span>

#include "engine/sync/mutex.h"
#include "engine/sync/owner_locks.h"
#include "inlay/function_ref.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay {

class PrivateValues {
 public:
  virtual ~PrivateValues() = default;

  // A private value, and where it was found.
  struct Seen {
    const std::byte* value = nullptr;
    const void* place = nullptr;
  };

  // The owner's private value, or null. Reader section: required. Valid until: its end.
  virtual Seen Look(const OwnerRef& owner) const noexcept = 0;
  // Whether what Look() found is the owner's private value now, and so was all the time between.
  // False if it has moved to another place. REQUIRES: it found one. Reader section: the same.
  virtual bool IsStillThere(const OwnerRef& owner, const Seen& seen) const noexcept = 0;
  const std::byte* Get(const OwnerRef& owner) const noexcept { return Look(owner).value; }

  // Creates or replaces the private value. kAccountLimit, kSpillLimit, kPendingLimit, kNoMemory:
  // nothing changed.
  virtual Status Put(const OwnerRef& owner, std::span<const std::byte> value) noexcept = 0;
  // As Put(), for an owner that has moved and has no private value in its new place yet. It
  // replaces the one in its old place, so it counts as one more only until that is removed, and not
  // against the limit of private values.
  virtual Status PutMoved(const OwnerRef& to, std::span<const std::byte> value) noexcept = 0;
  // False if the owner has no private value.
  virtual bool Remove(const OwnerRef& owner) noexcept = 0;
  // Whether an owner's address says where its value is. Otherwise the owner's storage pointer does.
  virtual bool by_address() const noexcept = 0;
  virtual size_t count() const noexcept = 0;
  // Calls `visit` for up to `most` owners that had a private value a moment ago, going on where the
  // last call ended, and returns for how many. By then an owner may be gone: `visit` takes LockOf()
  // and finds the private value before it looks at the owner. 0: the owners cannot be enumerated
  // from here. Calls take turns. REQUIRES: no lock is held.
  virtual size_t ForSomeOwners(size_t most,
                               FunctionRef<void(const OwnerRef& owner)> visit) noexcept = 0;
  // Gives back what memory the places of values do not need. Returns how many bytes.
  virtual size_t Trim() noexcept = 0;
  virtual MemoryUsage memory_usage() const = 0;
  // Of values that were replaced or removed and wait for readers.
  virtual size_t waiting_bytes() const noexcept = 0;

  // Keeps them in the owners' storage pointers, as the pointer layout does. `domain` holds the
  // values.
  static std::unique_ptr<PrivateValues> BehindStoragePointers(LocalStorageDomain& domain,
                                                              const MapOptions& options) noexcept;
  // Keeps them in a hash table keyed by the owner's address.
  // Charges `spilled` for them, and `pending` for what waits for readers, which may be freed, and
  // uncharged, after the table's end. Both may be one account; then its limit is kAccountLimit.
  static std::unique_ptr<PrivateValues> InSideTable(const MapOptions& options, Account* spilled,
                                                    Account* pending) noexcept;

  // Guards the moves of an owner's value between the table and its private place.
  Mutex& LockOf(const OwnerRef& owner) noexcept { return locks_.Of(owner.words().address()); }

 private:
  OwnerLocks locks_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_PRIVATE_VALUES_H_
