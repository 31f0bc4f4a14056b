// All allocations of the engine, so that a test can make the n-th fail and check that nothing is
// lost (guarantee V4). On failure they return null; they never throw.

#ifndef INLAY_ENGINE_MEMORY_ALLOCATE_H_
#define INLAY_ENGINE_MEMORY_ALLOCATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace inlay {

// False if the next allocation must fail. Code that allocates by other means than the functions
// below asks first.
bool AllocationAllowed() noexcept;

// For tests: lets `count` more allocations succeed and all later ones fail; -1 lifts the limit.
// Process-wide. Thread-safe.
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

// Raw bytes, aligned as operator new does, or to `alignment`, a power of two, if that is more. Free
// them with FreeBytes(), and the same alignment.
void* TryAllocateBytes(size_t bytes, size_t alignment = 1) noexcept;
void FreeBytes(void* bytes, size_t alignment = 1) noexcept;

// What an allocation of so many bytes takes: glibc's malloc() adds 8 and rounds up to 16.
constexpr size_t MallocBytes(size_t bytes) { return (bytes + 8 + 15) / 16 * 16; }

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_ALLOCATE_H_
