// SizeClasses: the kernel's kmalloc(), with a slab for each size class that values use.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_ENGINE_MEMORY_SIZE_CLASSES_H_
#define INLAY_ENGINE_MEMORY_SIZE_CLASSES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "engine/memory/slab.h"
#include "inlay/memory_usage.h"

namespace inlay {

class SizeClasses {
 public:
  // The largest request that kmalloc() serves: 4 MiB.
  static constexpr size_t kMaxBytes = size_t{4} << 20;

  // The slab for objects of `bytes`. Null above kMaxBytes.
  Slab* For(size_t bytes) {
    const auto fits = std::lower_bound(kClasses.begin(), kClasses.end(), KmallocBytes(bytes));
    return fits != kClasses.end() ? &slabs_[static_cast<size_t>(fits - kClasses.begin())] : nullptr;
  }

  // Gives spare chunks back to the system. Returns how many bytes.
  size_t Trim() noexcept {
    size_t bytes = 0;
    for (Slab& slab : slabs_) bytes += slab.Trim();
    return bytes;
  }

  MemoryUsage memory_usage() const {
    MemoryUsage usage;
    for (const Slab& slab : slabs_) {
      usage.private_bytes += slab.objects() * slab.object_bytes();
      usage.slack_bytes += slab.slack_bytes();
    }
    return usage;
  }

 private:
  // The smallest object of a layout is a header and one byte of value.
  static constexpr std::array<size_t, 19> kClasses = {
      64,    96,    128,   192,    256,    512,    1024,    2048,    4096,     8192,
      16384, 32768, 65536, 131072, 262144, 524288, 1048576, 2097152, kMaxBytes};

  template <size_t... kAt>
  static std::array<Slab, kClasses.size()> Make(std::index_sequence<kAt...>) {
    return {Slab(kClasses[kAt])...};
  }

  std::array<Slab, kClasses.size()> slabs_ = Make(std::make_index_sequence<kClasses.size()>());
};

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_SIZE_CLASSES_H_
