// LargePages: an allocator for large tables that are read in no order. Where the kernel has pages
// of 2 MiB for who asks, such a table takes few of them, and finding a page no longer costs as much
// as reading it.
//
// Thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_LARGE_PAGES_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_LARGE_PAGES_H_

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace inlay::analysis {

template <typename T>
class LargePages {
 public:
  using value_type = T;

  LargePages() = default;
  template <typename Other>
  explicit LargePages(const LargePages<Other>& /*other*/) {}

  T* allocate(size_t count) {
    if (!IsLarge(count)) return static_cast<T*>(::operator new(count * sizeof(T)));
    void* const memory = ::operator new (count * sizeof(T), std::align_val_t{kPageBytes});
    // It is a hint: without such pages the table works as well.
    (void)madvise(memory, count * sizeof(T), MADV_HUGEPAGE);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) {
    if (!IsLarge(count)) {
      ::operator delete(memory);
    } else {
      ::operator delete (memory, std::align_val_t{kPageBytes});
    }
  }

  friend bool operator==(const LargePages&, const LargePages&) { return true; }

 private:
  static constexpr size_t kPageBytes = size_t{2} << 20;

  // Of less the last page would be mostly empty.
  static bool IsLarge(size_t count) { return count * sizeof(T) >= 4 * kPageBytes; }
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_LARGE_PAGES_H_
