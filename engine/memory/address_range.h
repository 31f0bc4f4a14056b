// AddressRange: virtual addresses that are reserved once and committed from the start on demand, so
// that objects in the range never move.

#ifndef INLAY_ENGINE_MEMORY_ADDRESS_RANGE_H_
#define INLAY_ENGINE_MEMORY_ADDRESS_RANGE_H_

#include <cstddef>

namespace inlay {

class AddressRange {
 public:
  AddressRange() = default;
  ~AddressRange();
  AddressRange(const AddressRange&) = delete;
  AddressRange& operator=(const AddressRange&) = delete;

  // Reserves `bytes` of addresses without memory. False if the system refuses. REQUIRES: not
  // reserved yet.
  [[nodiscard]] bool Reserve(size_t bytes) noexcept;

  // Makes at least the first `bytes` readable and writable; new bytes are zeroes. The steps grow,
  // so that many small calls make few system calls. False if the system has no memory; then nothing
  // changed. REQUIRES: bytes <= the reservation. Not thread-safe.
  [[nodiscard]] bool Commit(size_t bytes) noexcept;

  // Gives the memory of the whole pages behind the first `kept_bytes` back to the system, as far as
  // the first `used_bytes`; returns how many bytes these pages have. The addresses stay committed:
  // they read as zeroes, and take memory again when they are written. 0 if the system refuses.
  // REQUIRES: used_bytes <= committed_bytes(). Not thread-safe with writers of these pages.
  size_t Drop(size_t kept_bytes, size_t used_bytes) noexcept;
  // Asks for small pages, so that each takes memory and time only when it is used.
  void AvoidHugePages() noexcept;

  std::byte* base() const { return base_; }
  size_t committed_bytes() const { return committed_bytes_; }

 private:
  std::byte* base_ = nullptr;
  size_t reserved_bytes_ = 0;
  size_t committed_bytes_ = 0;
};

// `bytes` rounded up to whole pages.
size_t PageRoundUp(size_t bytes) noexcept;

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_ADDRESS_RANGE_H_
