// The memory that a map takes, counted by the same rule for every layout. account.h has who pays.
//
// The rule: a byte belongs to exactly one part. Owners reserve `inline_bytes` whether they use them
// or not. All other parts count what the allocator hands out, at its real sizes, so the parts add
// up to what a process pays.

#ifndef INLAY_MEMORY_USAGE_H_
#define INLAY_MEMORY_USAGE_H_

#include <bit>
#include <cstddef>

#include "inlay/account.h"

namespace inlay {

struct MemoryUsage {
  size_t inline_bytes = 0;   // bits or bytes reserved inside owners, rounded up per owner
  size_t private_bytes = 0;  // objects that belong to one owner: elements, storages, spilled values
  size_t table_bytes = 0;    // interned values and their reference counts
  size_t index_bytes = 0;    // the hash index over the interned values
  size_t slack_bytes = 0;    // mapped but in no object: ends of pages, free slots

  size_t total_bytes() const {
    return inline_bytes + private_bytes + table_bytes + index_bytes + slack_bytes;
  }

  MemoryUsage& operator+=(const MemoryUsage& other) {
    inline_bytes += other.inline_bytes;
    private_bytes += other.private_bytes;
    table_bytes += other.table_bytes;
    index_bytes += other.index_bytes;
    slack_bytes += other.slack_bytes;
    return *this;
  }
};

// Bytes that the kernel's kmalloc() uses for a request of `bytes` > 0: the size classes 8, 16, 32,
// 64, 96, 128, 192, 256, 512, 1k, 2k, 4k, 8k, and whole power-of-two runs of 4 KiB pages above.
// Source: Linux 6.18, mm/slab_common.c (kmalloc_info) and /proc/slabinfo (kmalloc-cg-*).
constexpr size_t KmallocBytes(size_t bytes) {
  if (bytes <= 8) return 8;
  if (bytes > 64 && bytes <= 96) return 96;
  if (bytes > 128 && bytes <= 192) return 192;
  return std::bit_ceil(bytes);
}

// Bytes of kernel memory that socket storage adds to a socket, besides the value.
// Source: BTF of Linux 6.18: offsetof(bpf_local_storage_elem, sdata.data),
// sizeof(bpf_local_storage); BTF of Linux 6.1.
inline constexpr size_t kStorageElementHeaderBytes = 72;
inline constexpr size_t kLocalStorageBytes = 176;
inline constexpr size_t kLocalStorageBytes61 = 168;  // both take 192 bytes of memory

}  // namespace inlay

#endif  // INLAY_MEMORY_USAGE_H_
