// AddressRange: a run of virtual addresses that is reserved once and backed by memory from its
// start as far as needed, so that what lies in it never moves.

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

  // Reserves `bytes` of addresses without memory. False if the system has none. REQUIRES: not
  // reserved.
  [[nodiscard]] bool Reserve(size_t bytes) noexcept;

  // Makes at least the first `bytes` readable and writable (they start as zeroes). Grows in growing
  // steps, so that many small calls make few system calls. False, and nothing changed, if the
  // system has no memory. REQUIRES: bytes <= the reservation. Not thread-safe.
  [[nodiscard]] bool Commit(size_t bytes) noexcept;

  std::byte* base() const { return base_; }
  size_t committed_bytes() const { return committed_bytes_; }

 private:
  std::byte* base_ = nullptr;
  size_t reserved_bytes_ = 0;
  size_t committed_bytes_ = 0;
};

// `bytes` rounded up to whole pages: what a committed and touched range costs.
size_t PageRoundUp(size_t bytes) noexcept;

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_ADDRESS_RANGE_H_
