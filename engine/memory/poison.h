// PoisonBytes(), UnpoisonBytes(): tell AddressSanitizer which bytes nobody may read, so that it
// reports a pointer that was kept for too long. Without it they do nothing.

#ifndef INLAY_ENGINE_MEMORY_POISON_H_
#define INLAY_ENGINE_MEMORY_POISON_H_

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define INLAY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INLAY_ASAN 1
#endif
#endif
#if defined(INLAY_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace inlay {

// Of bytes that begin or end within 8 bytes of others, the first or last few may stay readable.
inline void PoisonBytes([[maybe_unused]] const void* at, [[maybe_unused]] size_t bytes) noexcept {
#if defined(INLAY_ASAN)
  ASAN_POISON_MEMORY_REGION(at, bytes);
#endif
}
// Before the bytes are used again, or another mapping gets their addresses.
inline void UnpoisonBytes([[maybe_unused]] const void* at, [[maybe_unused]] size_t bytes) noexcept {
#if defined(INLAY_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(at, bytes);
#endif
}

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_POISON_H_
