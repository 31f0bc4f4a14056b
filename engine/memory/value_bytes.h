// CopyValue() stores the bytes of a value; ValueBuffer holds a copy that a caller changes.

#ifndef INLAY_ENGINE_MEMORY_VALUE_BYTES_H_
#define INLAY_ENGINE_MEMORY_VALUE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "engine/memory/allocate.h"
#include "inlay/operation.h"

namespace inlay {

// Zeroes the lock, which is not part of the value.
inline void ClearLock(std::byte* value, const MapOptions& options) {
  if (options.spin_lock) std::memset(value, 0, kSpinLockBytes);
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

// value_bytes bytes, on the stack if they are few.
class ValueBuffer {
 public:
  // Zeroes. Without memory bytes() is empty.
  explicit ValueBuffer(uint32_t value_bytes) {
    if (value_bytes <= sizeof(small_)) {
      bytes_ = {small_, value_bytes};
      return;
    }
    large_ = TryNewArray<std::byte>(value_bytes);
    if (large_ != nullptr) bytes_ = {large_.get(), value_bytes};
  }
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  alignas(8) std::byte small_[512] = {};
  std::unique_ptr<std::byte[]> large_;
  std::span<std::byte> bytes_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_VALUE_BYTES_H_
