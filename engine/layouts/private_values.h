// PrivateValues: where an index map keeps the values of owners that have spilled.
//
// Thread-safety: Put() and Remove() need LockOf(owner) held; all else may run concurrently.

#ifndef INLAY_ENGINE_LAYOUTS_PRIVATE_VALUES_H_
#define INLAY_ENGINE_LAYOUTS_PRIVATE_VALUES_H_

#include <cstddef>
#include <memory>
#include <span>

#include "engine/sync/mutex.h"
#include "engine/sync/owner_locks.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay {

class PrivateValues {
 public:
  virtual ~PrivateValues() = default;

  // The owner's private value, or null. Reader section: required; valid until its end.
  virtual const std::byte* Get(const OwnerRef& owner) const noexcept = 0;
  // Makes or replaces it. kNoMemory: nothing changed.
  virtual Status Put(const OwnerRef& owner, std::span<const std::byte> value) noexcept = 0;
  // REQUIRES: there is one.
  virtual void Remove(const OwnerRef& owner) noexcept = 0;
  virtual size_t count() const noexcept = 0;
  virtual MemoryUsage memory_usage() const = 0;

  // In the owners' storage slots, as the pointer layout does; the values live in `domain`.
  static std::unique_ptr<PrivateValues> InStorageSlots(LocalStorageDomain& domain,
                                                       const MapOptions& options) noexcept;
  // In a hash table keyed by the owner's address.
  static std::unique_ptr<PrivateValues> InSideTable(const MapOptions& options) noexcept;

  // The lock under which an owner's value moves between the table and its private place.
  Mutex& LockOf(const OwnerRef& owner) noexcept { return locks_.Of(owner.words().address()); }

 private:
  OwnerLocks locks_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_PRIVATE_VALUES_H_
