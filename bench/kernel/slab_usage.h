// SlabUsage: what /proc/slabinfo says that the kernel's general caches hold.

#ifndef INLAY_BENCH_KERNEL_SLAB_USAGE_H_
#define INLAY_BENCH_KERNEL_SLAB_USAGE_H_

#include <cstddef>

namespace inlay::bench {

// Of the caches that kmalloc() takes from, all sizes together. Other caches are left out: what they
// hold changes with the files and processes of the machine. What others allocate in these caches is
// in here too.
struct SlabUsage {
  size_t page_bytes = 0;    // of all pages that the caches have
  size_t object_bytes = 0;  // of the objects that are in use, at the sizes of their caches
};

// Reads /proc/slabinfo, which only root can. Throws std::runtime_error that says what cannot be
// read.
SlabUsage ReadSlabUsage();

// What bpf_local_storage takes of a socket that has one value of `value_bytes`, by the sizes of the
// running kernel's types and of kmalloc()'s caches. Throws if the kernel does not tell its types.
size_t ExpectedStorageBytes(size_t value_bytes);

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SLAB_USAGE_H_
