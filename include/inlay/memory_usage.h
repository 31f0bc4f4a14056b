// The memory that a map takes, counted by the same rule for every layout, and the account that
// limits it.
//
// The rule: a byte belongs to exactly one part. Owners reserve `inline_bytes` whether they use them
// or not. All other parts count what the allocator hands out, at its real sizes, so the parts add
// up to what a process pays.

#ifndef INLAY_MEMORY_USAGE_H_
#define INLAY_MEMORY_USAGE_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

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

// A limit on the memory of one kind, and a count of it. Thread-safe.
class Account {
 public:
  static constexpr size_t kUnlimited = SIZE_MAX;

  explicit Account(size_t limit_bytes = kUnlimited) : limit_bytes_(limit_bytes) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // Adds `bytes` to the account. False if that would exceed the limit; then nothing changed.
  [[nodiscard]] bool Charge(size_t bytes) {
    size_t used = used_bytes_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit_bytes_ || used > limit_bytes_ - bytes) return false;
    } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }

  // Adds `bytes` although that may exceed the limit: for what cannot be refused any more.
  void ChargeBeyondLimit(size_t bytes) { used_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  // Whether Charge() of so many would succeed now.
  bool HasRoomFor(size_t bytes) const {
    return bytes <= limit_bytes_ && used_bytes() <= limit_bytes_ - bytes;
  }

  // Subtracts what an earlier charge added.
  // REQUIRES: the bytes are charged.
  void Uncharge(size_t bytes) { used_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  size_t limit_bytes() const { return limit_bytes_; }

 private:
  const size_t limit_bytes_;
  std::atomic<size_t> used_bytes_{0};
};

}  // namespace inlay

#endif  // INLAY_MEMORY_USAGE_H_
