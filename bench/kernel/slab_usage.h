// SlabUsage: the contents of the kernel's general slab caches, from /proc/slabinfo.

#ifndef INLAY_BENCH_KERNEL_SLAB_USAGE_H_
#define INLAY_BENCH_KERNEL_SLAB_USAGE_H_

#include <cstddef>

namespace inlay::bench {

// Sums over the kmalloc() caches. Leaves out other caches, which change with the files and
// processes of the machine. Includes what other users of these caches allocate.
struct SlabUsage {
  size_t page_bytes = 0;    // of all pages of the caches
  size_t object_bytes = 0;  // objects in use, at their caches' object sizes
};

// Reads /proc/slabinfo; needs root. Throws std::runtime_error if it cannot be read.
SlabUsage ReadSlabUsage();

// The slab bytes of bpf_local_storage for a socket with one value of `value_bytes`, from the
// running kernel's types and kmalloc() caches. Throws if the kernel has no BTF.
size_t ExpectedStorageBytes(size_t value_bytes);

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SLAB_USAGE_H_
