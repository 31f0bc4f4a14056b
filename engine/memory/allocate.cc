#include "engine/memory/allocate.h"

#include <atomic>
#include <new>

namespace inlay {
namespace {

constexpr int64_t kNoLimit = -1;
std::atomic<int64_t> allocations_left{kNoLimit};

}  // namespace

bool AllocationAllowed() noexcept {
  int64_t left = allocations_left.load(std::memory_order_relaxed);
  while (left != kNoLimit) {
    if (left == 0) return false;
    if (allocations_left.compare_exchange_weak(left, left - 1, std::memory_order_relaxed))
      return true;
  }
  return true;
}

void SetAllocationsLeftForTest(int64_t count) noexcept {
  allocations_left.store(count, std::memory_order_relaxed);
}

void* TryAllocateBytes(size_t bytes, size_t alignment) noexcept {
  if (!AllocationAllowed()) return nullptr;
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return ::operator new(bytes, std::nothrow);
  return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
}

void FreeBytes(void* bytes, size_t alignment) noexcept {
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
    ::operator delete(bytes);
  } else {
    ::operator delete (bytes, std::align_val_t{alignment});
  }
}

}  // namespace inlay
