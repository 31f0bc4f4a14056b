// The one door through which the engine takes memory from the system, so that a test can close it
// after n allocations and see that nothing is lost (guarantee V4). Returns null; never throws.

#ifndef INLAY_ENGINE_MEMORY_ALLOCATE_H_
#define INLAY_ENGINE_MEMORY_ALLOCATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace inlay {

// False if the next allocation must fail: asked by whoever takes memory by other means than below.
bool AllocationAllowed() noexcept;

// For tests: lets `count` more allocations succeed and all others fail, until called with -1, which
// lifts the limit. Process-wide; thread-safe.
void SetAllocationsLeftForTest(int64_t count) noexcept;

template <typename T, typename... Args>
std::unique_ptr<T> TryNew(Args&&... args) noexcept {
  if (!AllocationAllowed()) return nullptr;
  return std::unique_ptr<T>(new (std::nothrow) T(std::forward<Args>(args)...));
}

// A zero-initialised array.
template <typename T>
std::unique_ptr<T[]> TryNewArray(size_t count) noexcept {
  if (!AllocationAllowed()) return nullptr;
  return std::unique_ptr<T[]>(new (std::nothrow) T[count]());
}

// Raw bytes, aligned as operator new aligns; given back with FreeBytes().
void* TryAllocateBytes(size_t bytes) noexcept;
void FreeBytes(void* bytes) noexcept;

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_ALLOCATE_H_
