// CopyValue() stores the bytes of a value; ValueBuffer holds a copy that a caller changes.

#ifndef INLAY_ENGINE_MEMORY_VALUE_BYTES_H_
#define INLAY_ENGINE_MEMORY_VALUE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/memory/allocate.h"
#include "inlay/operation.h"

namespace inlay {

// Zeroes the lock, which is not part of the value.
inline void ClearLock(std::byte* value, const MapOptions& options) {
  if (options.spin_lock) std::memset(value + options.spin_lock_offset, 0, kSpinLockBytes);
}

// REQUIRES: from.size() == options.value_bytes, or `from` is empty, which means zeroes.
inline void CopyValue(std::byte* to, std::span<const std::byte> from, const MapOptions& options) {
  if (from.empty()) {
    std::memset(to, 0, options.value_bytes);
    return;
  }
  std::memcpy(to, from.data(), from.size());
  ClearLock(to, options);
}

// value_bytes bytes, on the stack if they are few. Aligned to kAlignment.
class ValueBuffer {
 public:
  static constexpr size_t kAlignment = 64;

  // Zeroes. Without memory bytes() is empty.
  explicit ValueBuffer(uint32_t value_bytes) {
    if (value_bytes <= sizeof(small_)) {
      bytes_ = {small_, value_bytes};
      return;
    }
    large_ = TryAllocateBytes(value_bytes, kAlignment);
    if (large_ == nullptr) return;
    std::memset(large_, 0, value_bytes);
    bytes_ = {static_cast<std::byte*>(large_), value_bytes};
  }
  ~ValueBuffer() { FreeBytes(large_, kAlignment); }
  ValueBuffer(const ValueBuffer&) = delete;
  ValueBuffer& operator=(const ValueBuffer&) = delete;
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  alignas(kAlignment) std::byte small_[512] = {};
  void* large_ = nullptr;
  std::span<std::byte> bytes_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_VALUE_BYTES_H_
