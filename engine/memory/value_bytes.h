// How the bytes of a value get to where they are kept: CopyValue(), and ValueBuffer for a copy that
// is being worked on.

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

// A lock is no part of the value: it is kept as zeroes.
inline void ClearLock(std::byte* value, const MapOptions& options) {
  if (options.spin_lock) std::memset(value, 0, kSpinLockBytes);
}

// REQUIRES: from.size() == options.value_bytes, or `from` is empty, which stands for zeroes.
inline void CopyValue(std::byte* to, std::span<const std::byte> from, const MapOptions& options) {
  if (from.empty()) {
    std::memset(to, 0, options.value_bytes);
    return;
  }
  std::memcpy(to, from.data(), from.size());
  ClearLock(to, options);
}

// A value's worth of bytes to work on: on the stack if small.
class ValueBuffer {
 public:
  // Zeroed. bytes().empty() if there is no memory.
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
