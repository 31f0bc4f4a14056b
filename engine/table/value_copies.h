// ValueCopies: values of one size in allocations of their own. A pointer names a copy, and the swap
// of the pointer replaces it for all readers at once. A replaced copy is freed after a grace
// period; until then the account of what is pending pays for it.
//
// Thread-safety: all functions may run concurrently, except Create() and the destructor.

#ifndef INLAY_ENGINE_TABLE_VALUE_COPIES_H_
#define INLAY_ENGINE_TABLE_VALUE_COPIES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "inlay/account.h"

namespace inlay {

class ValueCopies {
 public:
  struct FreeUnused {
    const ValueCopies* copies = nullptr;
    void operator()(const std::byte* copy) const noexcept { copies->Free(copy); }
  };
  // A copy that no reader has seen. release() keeps it, for a pointer that readers follow.
  using NewCopy = std::unique_ptr<const std::byte, FreeUnused>;

  ValueCopies() = default;
  // The copies that FreeLater() got may outlive the object.
  ~ValueCopies();
  ValueCopies(const ValueCopies&) = delete;
  ValueCopies& operator=(const ValueCopies&) = delete;

  // `alignment` is a power of two. `pending` may be null. False without memory.
  bool Create(uint32_t value_bytes, uint32_t alignment, Account* pending) noexcept;

  // What one copy takes from malloc().
  size_t bytes_each() const noexcept { return bytes_each_; }
  // Empty without memory. Charged to nobody.
  NewCopy TryCopy(std::span<const std::byte> value) const noexcept;
  // REQUIRES: no reader has the copy any more.
  void Free(const std::byte* copy) const noexcept;

  // Charges `copies` that will wait for readers. False if the account of what is pending does not
  // allow it.
  [[nodiscard]] bool ChargeWaiting(uint32_t copies = 1) const noexcept;
  // Whether that would succeed for one copy now.
  bool HasRoomToWait() const noexcept;
  void ChargeWaitingBeyondLimit() const noexcept;
  // Frees a copy that no new reader can reach, after a grace period, and takes its charge back.
  // REQUIRES: it is charged as waiting.
  void FreeLater(const std::byte* copy) const noexcept;
  // Of the copies that wait for their readers.
  size_t waiting_bytes() const noexcept;

 private:
  struct Shape;
  struct Header;
  Header* HeaderOf(const std::byte* copy) const noexcept;

  Shape* shape_ = nullptr;
  size_t bytes_each_ = 0;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_VALUE_COPIES_H_
